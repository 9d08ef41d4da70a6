package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// word gives a flag or an argument its text, byte for byte: kong's own way leads over JSON, which has no room for paths that are not UTF-8.
func word(from *kong.DecodeContext, to reflect.Value) error {
	t, err := from.Scan.PopValue("string")
	if err == nil {
		to.SetString(t.String())
	}
	return err
}

// flagsFirst puts the flags of a verb before its other words, which kong wants side by side: in `loaderd ls artifacts --all suffix=.csv`
// they are not. A value may begin with one dash.
func flagsFirst(model *kong.Application, args []string) []string {
	node, begin := model.Node, 0
	for ; begin < len(args); begin++ {
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == args[begin] })
		if i < 0 {
			break
		}
		node = node.Children[i]
	}
	var flags, words []string
	for rest := args[begin:]; len(rest) > 0; rest = rest[1:] {
		w := rest[0]
		if w == "--" {
			flags, words = append(flags, w), append(words, rest[1:]...)
			break
		}
		if len(w) < 2 || w[0] != '-' {
			words = append(words, w)
			continue
		}
		f := flagOf(node, w)
		if f == nil || len(rest) == 1 {
			flags = append(flags, w)
			continue
		}
		rest = rest[1:]
		if v := rest[0]; strings.HasPrefix(v, "-") && !strings.HasPrefix(v, "--") && flagOf(node, v) == nil {
			flags = append(flags, "--"+f.Name+"="+v) // -o -size
			continue
		}
		flags = append(flags, w, rest[0])
	}
	return slices.Concat(args[:begin], flags, words)
}
