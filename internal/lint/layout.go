package lint

// module is the path of this module.
const module = "github.com/loaderd/loaderd"

// maxLines is the longest a source file may be. One main type a file keeps most far below it.
const maxLines = 500

// topLevel lists every folder that may stand at the root.
var topLevel = []string{
	".ci", "bench", "cache", "clients", "cmd", "docs", "internal", "ipc", "mapped", "registry", "sampler", "testdata",
}

// anyOfOurs stands for permission to import every package of the module.
const anyOfOurs = "*"

// mayImport names, for each of our packages, those of ours that its non-test files may import. A package
// that is not listed is a finding: whoever adds one decides here where it stands.
var mayImport = map[string][]string{
	// The leaves of the design: each is usable without the rest.
	"sampler":          {},
	"ipc":              {},
	"registry":         {},
	"registry/lineage": {"registry"},
	"cache":            {},

	// Takes its sources through an interface of its own, so that mapped may use it.
	"cache/rowstore": {},

	"mapped/codec": {},
	"mapped/zarr":  {"mapped/codec"},
	"mapped/h5":    {"mapped/codec"},
	"mapped/expr":  {},

	"mapped": {"mapped/expr", "mapped/h5", "mapped/zarr", "cache", "cache/rowstore"},

	"internal/build":     {},
	"internal/leak":      {},
	"internal/smalldisk": {},
	"internal/lint":      {},
	"internal/daemon":    {anyOfOurs},
	"internal/formats":   {},
	"internal/tables":    {},

	"bench/bareloop":       {"cache/rowstore", "ipc"},
	"bench/hardware":       {},
	"bench/readers/decode": {"mapped/codec", "mapped/h5", "mapped/zarr"},

	"cmd/loaderd": {"ipc", "registry", "internal/build", "internal/daemon"},
}

// unsafeAllowed lists the files that may import unsafe, and why.
var unsafeAllowed = map[string]string{
	"mapped/view.go":         "views numbers in frame memory as bytes and back",
	"cache/rowstore/view.go": "views elements in frame memory and in mapped segments as numbers",
}

// goAllowed lists the functions ("file.go:Func") that may hold a go statement, and why an errgroup does not
// serve there.
var goAllowed = map[string]string{}
