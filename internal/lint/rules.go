package lint

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// A Finding is one place that breaks a rule.
type Finding struct {
	Where string // path, or path:line
	What  string // what is wrong and what to do
}

func (f Finding) String() string { return f.Where + ": " + f.What }

// ImportDirection holds the imports of non-test files against mayImport.
func ImportDirection(files []Source) []Finding {
	var out []Finding
	for _, s := range files {
		if s.IsTest() {
			continue
		}
		allowed, listed := mayImport[s.Package()]
		if !listed {
			out = append(out, Finding{s.Path, "package " + s.Package() + " has no line in internal/lint/layout.go: add one that says what it may import"})
			continue
		}
		for _, p := range s.Imports() {
			ours, ok := strings.CutPrefix(p, module+"/")
			if ok && !slices.Contains(allowed, ours) && !slices.Contains(allowed, anyOfOurs) {
				out = append(out, Finding{s.Path, fmt.Sprintf("imports %s; %s may import %q of ours (docs/design.md)", ours, s.Package(), allowed)})
			}
		}
	}
	return out
}

// Unsafe finds imports of unsafe outside unsafeAllowed, in tests too.
func Unsafe(files []Source) []Finding {
	var out []Finding
	for _, s := range files {
		if slices.Contains(s.Imports(), "unsafe") && unsafeAllowed[s.Path] == "" {
			out = append(out, Finding{s.Path, "imports unsafe; call the functions of mapped/view.go instead"})
		}
	}
	return out
}

// Sleep finds time.Sleep in non-test files: a wait needs something to wake it and a context to end it.
func Sleep(files []Source) []Finding {
	var out []Finding
	for _, s := range files {
		if s.IsTest() {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Sleep" {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
				out = append(out, Finding{at(s, n), "time.Sleep; wait for an event, or select on a timer and the context"})
			}
			return true
		})
	}
	return out
}

// NakedGo finds go statements in non-test files, outside goAllowed: whatever starts a goroutine must wait for
// it and hear its error, which an errgroup does.
func NakedGo(files []Source) []Finding {
	var out []Finding
	for _, s := range files {
		if s.IsTest() {
			continue
		}
		for _, d := range s.File.Decls {
			name := "var"
			if f, ok := d.(*ast.FuncDecl); ok {
				name = f.Name.Name
			}
			if goAllowed[s.Path+":"+name] != "" {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if _, ok := n.(*ast.GoStmt); ok {
					out = append(out, Finding{at(s, n), "go statement in " + name + "; use an errgroup, or list it in internal/lint/layout.go with the reason"})
				}
				return true
			})
		}
	}
	return out
}

// PackageComments finds packages without a doc.go that holds the package comment.
func PackageComments(files []Source) []Finding {
	documented := map[string]bool{}
	var folders []string
	for _, s := range files {
		if s.IsTest() {
			continue
		}
		if !slices.Contains(folders, s.Package()) {
			folders = append(folders, s.Package())
		}
		if strings.HasSuffix(s.Path, "/doc.go") && s.File.Doc != nil {
			first := strings.SplitN(s.File.Doc.Text(), " ", 3)
			documented[s.Package()] = len(first) == 3 && (first[0] == "Package" || first[0] == "Command")
		}
	}
	var out []Finding
	for _, f := range folders {
		if !documented[f] {
			out = append(out, Finding{f, "no doc.go with a comment that begins “Package …” or “Command …”"})
		}
	}
	return out
}

// Unused finds lines of the exception tables that except nothing any more.
func Unused(files []Source) []Finding {
	held := map[string]bool{}
	for _, s := range files {
		held[s.Path] = true
		for _, d := range s.File.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				held[s.Path+":"+f.Name.Name] = true
			}
		}
	}
	var out []Finding
	for _, table := range []map[string]string{goAllowed, unsafeAllowed} {
		for where := range table {
			if !held[where] {
				out = append(out, Finding{where, "has a line in internal/lint/layout.go and is not there; take the line out"})
			}
		}
	}
	return out
}

func at(s Source, n ast.Node) string { return fmt.Sprintf("%s:%d", s.Path, s.Line(n.Pos())) }
