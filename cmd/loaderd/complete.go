package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/registry"
)

// completeFiles asks the shell for names of files.
const completeFiles = ":files"

// completeWait is how long a running daemon has to say what records there are. None is started for a completion.
const completeWait = 500 * time.Millisecond

// candidate is a word that can stand at the end of the line, and what it means.
type candidate struct{ word, help string }

// complete prints what the last of words can become.
func complete(ctx context.Context, con *console, app *kong.Application, words []string) {
	last := ""
	if len(words) > 0 {
		last = words[len(words)-1]
		words = words[:len(words)-1]
	}
	said := make(map[string]bool)
	for _, c := range candidates(ctx, app.Node, words, last) {
		switch {
		case said[c.word]: // of two versions, one word
		case c.word == completeFiles:
			fmt.Fprintln(con.out, completeFiles)
		case strings.HasPrefix(c.word, last):
			fmt.Fprintf(con.out, "%s\t%s\n", c.word, oneLine(c.help))
		}
		said[c.word] = true
	}
}

func candidates(ctx context.Context, node *kong.Node, words []string, last string) []candidate {
	var flag *kong.Flag // whose value comes next
	for _, w := range words {
		switch {
		case flag != nil:
			flag = nil
		case strings.HasPrefix(w, "-"):
			flag = flagOf(node, w)
		default:
			if i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == w }); i >= 0 {
				node = node.Children[i]
			}
		}
	}
	switch {
	case flag != nil:
		return valuesOf(flag)
	case strings.HasPrefix(last, "-"):
		return flagsOf(node)
	case len(node.Children) > 0:
		var out []candidate
		for _, n := range node.Children {
			if !n.Hidden {
				out = append(out, candidate{n.Name, n.Help})
			}
		}
		return out
	}
	return argumentsOf(ctx, node, last)
}

// flagOf is the flag of a word, where it is one whose value is the next word.
func flagOf(node *kong.Node, word string) *kong.Flag {
	for n := node; n != nil; n = n.Parent {
		for _, f := range n.Flags {
			if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
				if f.IsBool() {
					return nil
				}
				return f
			}
		}
	}
	return nil
}

func valuesOf(f *kong.Flag) []candidate {
	if f.Enum == "" {
		if f.PlaceHolder == "FILE" || f.PlaceHolder == "PATH" {
			return []candidate{{completeFiles, ""}}
		}
		return nil
	}
	var out []candidate
	for value := range strings.SplitSeq(f.Enum, ",") {
		out = append(out, candidate{value, ""})
	}
	return out
}

func flagsOf(node *kong.Node) []candidate {
	var out []candidate
	for n := node; n != nil; n = n.Parent {
		for _, f := range n.Flags {
			if !f.Hidden {
				out = append(out, candidate{"--" + f.Name, f.Help})
			}
		}
	}
	return out
}

// argumentsOf are what can stand in the place of an argument, by what the arguments of the verb are called.
func argumentsOf(ctx context.Context, node *kong.Node, last string) []candidate {
	if len(node.Positional) == 0 {
		return nil
	}
	arg := node.Positional[len(node.Positional)-1]
	switch {
	case arg.Enum != "":
		var out []candidate
		for value := range strings.SplitSeq(arg.Enum, ",") {
			out = append(out, candidate{value, ""})
		}
		return out
	case arg.Name == "what":
		return conditionsOf()
	case arg.Name == "path":
		return []candidate{{completeFiles, ""}}
	case arg.Name == "record":
		return recordsLike(ctx, last)
	case arg.Name == "artifact":
		return append(recordsLike(ctx, last), candidate{completeFiles, ""})
	}
	return nil
}

// conditionsOf are the kinds of records, and the fields of artifacts, that ls knows.
func conditionsOf() []candidate {
	var out []candidate
	for _, k := range kinds {
		out = append(out, candidate{k.plural, "kind of records"})
	}
	t, err := registry.TableOf(registry.ModelArtifact)
	if err != nil {
		return out
	}
	for _, f := range t.Fields {
		out = append(out, candidate{f.Name + "=", f.Doc})
	}
	for _, r := range t.Relations {
		out = append(out, candidate{r.Name + "__", r.Doc})
	}
	return out
}

// recordsLike are uids and names of records that begin so, of those that a running daemon knows.
func recordsLike(ctx context.Context, last string) []candidate {
	ctx, cancel := context.WithTimeout(ctx, completeWait)
	defer cancel()
	client, err := ipc.Dial(ctx, ipc.DialOptions{})
	if err != nil {
		return nil
	}
	defer client.Close()
	s := &session{ctx: ctx, con: &console{}, client: client}
	var out []candidate
	for _, k := range kinds[:3] {
		either := []any{lookup("uid__startswith", last)}
		for _, field := range k.named {
			either = append(either, lookup(field+"__startswith", last))
		}
		const most = 50
		found, err := s.records("query", map[string]any{"model": k.model, "where": []any{"or", either}, "order_by": []any{"-created_at"}, "limit": most})
		if err != nil {
			return out
		}
		for _, r := range found {
			word := title(r)
			if !strings.HasPrefix(word, last) || strings.ContainsAny(word, "\n\t") {
				word = text(r, "uid")
			}
			out = append(out, candidate{word, k.model + " " + text(r, "uid")})
		}
	}
	return out
}
