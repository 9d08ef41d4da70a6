package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Source is one parsed Go file.
type Source struct {
	Path string // slash-separated, from the root
	File *ast.File
	Set  *token.FileSet
}

// Package is the folder of the file, from the root.
func (s Source) Package() string { return path.Dir(s.Path) }

// IsTest tells whether the file is compiled for tests only.
func (s Source) IsTest() bool { return strings.HasSuffix(s.Path, "_test.go") }

// Line is the line of p.
func (s Source) Line(p token.Pos) int { return s.Set.Position(p).Line }

// Imports lists the import paths of the file.
func (s Source) Imports() []string {
	out := make([]string, 0, len(s.File.Imports))
	for _, spec := range s.File.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			out = append(out, p)
		}
	}
	return out
}

// Parse reads src as the file at path.
func Parse(path string, src any) (Source, error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return Source{}, fmt.Errorf("parse %s: %w", path, err)
	}
	return Source{Path: path, File: f, Set: set}, nil
}

// Files lists the files below root with one of the given suffixes, slash-separated and sorted. It leaves out
// what git ignores by our .gitignore's habit (hidden folders, build outputs), testdata, and nested modules.
func Files(root string, suffixes ...string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && (skipFolder(d.Name()) || isModule(p)) {
				return filepath.SkipDir
			}
			return nil
		}
		if slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(p, s) }) {
			out = append(out, filepath.ToSlash(rel))
		}
		return nil
	})
	return out, err
}

func skipFolder(name string) bool {
	hidden := strings.HasPrefix(name, ".") && name != ".ci"
	return hidden || slices.Contains([]string{"bin", "dist", "testdata", "_bin", "__pycache__"}, name)
}

func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// Sources parses every Go file of the module at root.
func Sources(root string) ([]Source, error) {
	paths, err := Files(root, ".go")
	if err != nil {
		return nil, err
	}
	out := make([]Source, 0, len(paths))
	for _, p := range paths {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p)))
		if err != nil {
			return nil, err
		}
		s, err := Parse(p, text)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
