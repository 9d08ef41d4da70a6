package daemon

import (
	"path/filepath"
	"slices"
	"strings"
)

// suffixes are the endings that say a format. Another ending may be anything, such as the end of a date, and is none.
var suffixes = strings.Fields(`
	.h5ad .h5mu .loom .zarr .h5 .hdf5 .hdf .tiledb .tiledbsoma .soma .mtx .npy .npz
	.parquet .csv .tsv .txt .feather .arrow .ipc .orc .avro .xlsx .xls .json .jsonl .ndjson .yaml .yml .db .duckdb .sqlite
	.fasta .fa .fastq .bam .sam .cram .vcf .bcf .bed .gff .gff3 .gtf .bigwig .bw .bedgraph .gb .embl .nwk .newick .obo .fcs
	.rds .rda .qs .pkl .pickle .joblib .pt .pth .ckpt .safetensors .onnx .keras .pb .gguf .tflite .model
	.tif .tiff .png .jpg .jpeg .gif .svg .bmp .webp .dcm .nd2 .czi .lif .svs .mp4 .wav
	.py .r .R .ipynb .md .html .pdf .doc .docx .ppt .xml .js .css .sh .c .h
	.zip .tar .rar .7z .bin .data`)

// composites are endings of two parts that say a format together.
var composites = []string{".anndata.zarr", ".spatialdata.zarr", ".ome.zarr", ".zarr.zip", ".ome.tif", ".ome.tiff", ".ome.h5", ".ome.hdf5", ".vitessce.json"}

// packed are endings that come behind one that says the format.
var packed = []string{".gz", ".bz2", ".xz", ".zst"}

// suffixOf is the ending of a path or URL that says its format, whole; "" where none does.
func suffixOf(path string) string {
	name := filepath.Base(strings.TrimRight(path, "/"))
	last := filepath.Ext(name)
	if slices.Contains(packed, last) {
		return suffixOf(strings.TrimSuffix(name, last)) + last
	}
	for _, c := range composites {
		if strings.HasSuffix(name, c) {
			return c
		}
	}
	if slices.Contains(suffixes, last) || slices.Contains(suffixes, strings.ToLower(last)) {
		return last
	}
	return ""
}
