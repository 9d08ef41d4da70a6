package mapped

import (
	"maps"
	"os"
	"slices"

	"github.com/loaderd/loaderd/cache/rowstore"
)

// Join says how variables of several stores become one list of columns.
type Join uint8

const (
	// JoinInner keeps the variables that all stores have, in the order of the first store.
	JoinInner Join = iota
	// JoinOuter keeps all variables, sorted by code point; what a store lacks is 0.
	JoinOuter
	// JoinNone keeps each store's columns by position and compares no names.
	JoinNone
)

// String gives "inner", "outer" or "none".
func (j Join) String() string {
	return [...]string{"inner", "outer", "none"}[min(j, JoinNone)]
}

// ParseJoin reads "inner" and "outer"; "" and "none" are JoinNone.
func ParseJoin(s string) (Join, error) {
	switch s {
	case "inner":
		return JoinInner, nil
	case "outer":
		return JoinOuter, nil
	case "", "none":
		return JoinNone, nil
	}
	return 0, fail(ErrInvalid, stageOpen, "join", `use "inner", "outer" or none`, "%q is not a join", s)
}

// Options say what of the files a Collection gives.
type Options struct {
	// LayersKeys are "X", "raw.X" or names under layers. nil means X alone; an
	// empty list, no layer at all.
	LayersKeys []string
	// ObsKeys are columns of obs, the index included under its name in the file.
	ObsKeys []string
	// ObsmKeys are names under obsm.
	ObsmKeys []string
	// Join of X and layers over var, and of raw.X over raw.var.
	Join Join
	// VarNames is a panel: these variables are the columns, in this order, whatever
	// Join says; what a store lacks is 0. nil: the columns are those of the join.
	VarNames []string
	// VarKey is the column of var (and of raw.var) that names variables; "" is the index.
	VarKey string
	// Encode lists those of ObsKeys whose values become codes 0…k-1.
	Encode []string
	// UnknownLabel gives, per encoded key, a label that becomes -1 and takes no number.
	UnknownLabel map[string]string
	// Encoders gives encoded keys their codes, each at most 2²⁰-1 and of one label; -1 is a label that counts as unknown. A
	// label of the files that is not in its table is an error, unless the table has the code -1 for the value nil. Keys that are
	// not encoded are ignored; those that have no table are encoded by their own labels.
	Encoders map[string][]Label
	// Filter chooses rows. The zero value keeps all.
	Filter Filter
	// Transforms are done to the values of layers, in this order. A transformed field
	// is float32, unless an encoder or a cast says otherwise.
	Transforms []Transform
	// CacheBytes bounds the decoded chunks kept for compressed sources. Default 64 MiB.
	CacheBytes int64
	// TempDir is where rows of CSC matrices are kept, in files without a name that
	// go with the collection. Default $LOADERD_CACHE_DIR, else os.TempDir().
	TempDir string
	// RowStore keeps decoded rows, so that no chunk is decoded twice. It must stay open as long as the
	// collection. nil: none.
	RowStore *rowstore.Store

	steps map[string][]step // the transforms by layer, checked
	// identify names a file and what is in it, for the row store.
	identify func(path string) (source, identity string, err error)
}

const defaultCacheBytes = 64 << 20

// normalised checks the options that need no file and fills in defaults.
// Repeated keys count once.
func (o Options) normalised() (Options, error) {
	if o.LayersKeys == nil {
		o.LayersKeys = []string{"X"}
	}
	o.LayersKeys, o.ObsKeys, o.ObsmKeys = unique(o.LayersKeys), unique(o.ObsKeys), unique(o.ObsmKeys)
	o.Encode = unique(o.Encode)
	if o.CacheBytes <= 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.TempDir == "" {
		o.TempDir = os.Getenv("LOADERD_CACHE_DIR")
	}
	if o.TempDir == "" {
		o.TempDir = os.TempDir()
	}
	if o.identify == nil {
		o.identify = identify
	}
	if o.Join > JoinNone {
		return o, fail(ErrInvalid, stageOpen, "join", "use JoinInner, JoinOuter or JoinNone", "%d is not a join", o.Join)
	}
	for _, key := range o.Encode {
		if !slices.Contains(o.ObsKeys, key) {
			return o, fail(ErrInvalid, stageOpen, "encode_labels", didYouMean(key, o.ObsKeys),
				"%q is not among obs_keys", key)
		}
	}
	if len(o.Encode) > 0 {
		for key := range o.UnknownLabel {
			if !slices.Contains(o.Encode, key) {
				return o, fail(ErrInvalid, stageOpen, "unknown_label", didYouMean(key, o.Encode),
					"%q is not an encoded key", key)
			}
		}
	}
	if len(o.Encoders) > 0 && !slices.ContainsFunc(o.Encode, func(key string) bool { _, ok := o.Encoders[key]; return ok }) {
		keys := slices.Sorted(maps.Keys(o.Encoders))
		return o, fail(ErrInvalid, stageOpen, "encoders", didYouMean(keys[0], o.Encode),
			"it has tables of %s, and none of these is encoded", quoteList(keys, ", "))
	}
	if err := o.checkPanel(); err != nil {
		return o, err
	}
	var err error
	if o.steps, err = parseTransforms(o.Transforms, o.LayersKeys); err != nil {
		return o, err
	}
	return o, o.checkNames()
}

// checkPanel refuses a panel that is empty or names a variable twice.
func (o Options) checkPanel() error {
	if o.VarNames != nil && len(o.VarNames) == 0 {
		return fail(ErrInvalid, stageOpen, "var_names", "leave it out for the variables of the join", "the list is empty")
	}
	seen := make(map[string]int, len(o.VarNames))
	for i, name := range o.VarNames {
		if first, ok := seen[name]; ok {
			return fail(ErrInvalid, stageOpen, "var_names", "name each variable once", "%q stands at %d and at %d", name, first, i)
		}
		seen[name] = i
	}
	return nil
}

// checkNames refuses keys that would give two batch fields one name.
func (o Options) checkNames() error {
	taken := map[string]string{storeIdxName: "the store number", idxName: "the row number"}
	claim := func(name, what string) error {
		if other, ok := taken[name]; ok {
			return fail(ErrInvalid, stageOpen, what, "ask for one of them only",
				"the batch field %q would be %s and %s", name, other, what)
		}
		taken[name] = what
		return nil
	}
	for _, key := range o.LayersKeys {
		for _, name := range layerFields(key, o.steps[key]) {
			if err := claim(name, "a layer"); err != nil {
				return err
			}
		}
	}
	for _, key := range o.ObsmKeys {
		if err := claim(obsmPrefix+key, "an obsm entry"); err != nil {
			return err
		}
	}
	for _, key := range o.ObsKeys {
		if err := claim(key, "an obs column"); err != nil {
			return err
		}
	}
	return nil
}

// unique drops repetitions and keeps nil apart from empty.
func unique[T comparable](keys []T) []T {
	if keys == nil {
		return nil
	}
	out := make([]T, 0, len(keys))
	for _, k := range keys {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}
