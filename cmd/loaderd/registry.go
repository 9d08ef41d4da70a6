package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/loaderd/loaderd/internal/build"
	"github.com/loaderd/loaderd/ipc"
)

// registryFlags are those that all verbs of the registry have.
type registryFlags struct {
	Socket string `help:"Socket of the daemon." env:"LOADERD_SOCKET" placeholder:"PATH"`
	Using  string `help:"Name of another registered database." placeholder:"NAME"`
	JSON   bool   `help:"Print JSON, for programs."`
}

// record is one of the registry's, as it travels: its fields, and model.
type record = map[string]any

// session is a connection to the registry, and where what it says goes.
type session struct {
	registryFlags
	ctx    context.Context
	con    *console
	client *ipc.Client

	inTrash bool // names stand for what is in the trash alone
}

// withRegistry connects, starts a daemon where none runs, and hands the session to do.
func (f registryFlags) withRegistry(ctx context.Context, con *console, do func(*session) error) (err error) {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	client, err := ipc.Dial(ctx, ipc.DialOptions{Socket: f.Socket, Start: true, Binary: binary, Build: build.Version, Name: "loaderd"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return do(&session{registryFlags: f, ctx: ctx, con: con, client: client})
}

// call asks the registry for something.
func (s *session) call(name string, args map[string]any) (any, error) {
	if s.Using != "" {
		args["using"] = s.Using
	}
	if os.Getenv("LOADERD_DATA_DIR") != "" { // the daemon may have been started with another
		dir, err := ipc.DataDir()
		if err != nil {
			return nil, err
		}
		args["data_dir"] = dir
	}
	p := &progressLine{con: s.con}
	defer p.clear()
	return s.client.Registry(s.ctx, name, onWire(args).(map[string]any), p.show)
}

// onWire is a value as it travels: texts that are not UTF-8, such as paths, are bytes.
func onWire(v any) any {
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			return []byte(v)
		}
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = onWire(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = onWire(e)
		}
		return out
	}
	return v
}

// callFor is call where the value is of type T.
func callFor[T any](s *session, name string, args map[string]any) (T, error) {
	v, err := s.call(name, args)
	out, ok := v.(T)
	if err == nil && !ok && v != nil {
		err = fmt.Errorf("the daemon answers %s with %T", name, v)
	}
	return out, err
}

// records asks for a list of records.
func (s *session) records(name string, args map[string]any) ([]record, error) {
	list, err := callFor[[]any](s, name, args)
	if err != nil {
		return nil, err
	}
	return recordsOf(list), nil
}

func recordsOf(list any) []record {
	values, _ := list.([]any)
	out := make([]record, 0, len(values))
	for _, v := range values {
		if r, ok := v.(map[string]any); ok {
			out = append(out, r)
		}
	}
	return out
}

// noteOlder says that what was to be the newest of its key is a version before, which it stays.
func (s *session) noteOlder(saved map[string]any, key any) error {
	r, _ := saved["record"].(record)
	if s.JSON || saved["created"] == true || key == nil || textOf(key) != text(r, "key") || r["is_latest"] != false {
		return nil
	}
	tree := []any{"and", []any{lookup("stem_uid", r["stem_uid"]), lookup("is_latest", true)}}
	found, err := s.records("query", map[string]any{"model": r["model"], "where": tree, "limit": 1})
	if err != nil || len(found) == 0 {
		return err
	}
	s.notes([]any{fmt.Sprintf("what is saved as %q is its version %s (%s), and no new version; it is the latest again once the newer are deleted, such as %s (%s)",
		text(r, "key"), text(r, "version"), text(r, "uid"), text(found[0], "version"), text(found[0], "uid"))})
	return nil
}

// notes prints what the registry wants the user to hear of. Programs find it in the answer.
func (s *session) notes(list any) {
	values, _ := list.([]any)
	if s.JSON {
		return
	}
	for _, v := range values {
		fmt.Fprintf(s.con.err, "loaderd: %s\n", oneLine(textOf(v)))
	}
}

// printJSON prints a value of the wire, whose paths may be bytes.
func (c *console) printJSON(v any) error {
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(jsonValue(v))
}

func jsonValue(v any) any {
	switch v := v.(type) {
	case []byte:
		return strings.ToValidUTF8(string(v), "\ufffd")
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = jsonValue(e)
		}
		return out
	case []record:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = jsonValue(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = jsonValue(e)
		}
		return out
	}
	return v
}

// textOf is a value for people: "" for none.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return strings.ToValidUTF8(string(v), "\ufffd")
	case string:
		return v
	case map[string]any, []any:
		b, err := json.Marshal(jsonValue(v))
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(b)
	}
	return fmt.Sprint(v)
}

// text is a field of a record for people.
func text(r record, field string) string { return textOf(r[field]) }

// counted is a number of things, in one or in many.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// number is a field that holds a number.
func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint64:
		return int64(v), true
	case int:
		return int64(v), true
	}
	return 0, false
}

// moment is a time as people read it, in their zone.
func moment(v any) string {
	at, err := time.Parse(time.RFC3339Nano, textOf(v))
	if err != nil {
		return textOf(v)
	}
	return at.Local().Format("2006-01-02 15:04")
}

// absolute is a path as the daemon must have it; what is a URL stays, but that of a file of this machine, which is its path.
func absolute(path string) (any, error) {
	path, err := local(path)
	if err != nil {
		return nil, err
	}
	if scheme, rest, isURL := cutURL(path); isURL {
		return scheme + "://" + rest, nil
	}
	abs, err := filepath.Abs(path)
	if err == nil && !utf8.ValidString(abs) {
		return []byte(abs), nil
	}
	return abs, err
}

// local is what a URL of a file of this machine is the path of; anything else as it is, but for no path at all.
func local(path string) (string, error) {
	if path == "" {
		return "", invalid(`""`, "name a file, a folder or a URL; the current folder is .", "an empty path")
	}
	if scheme, _, _ := cutURL(path); scheme != "file" {
		return path, nil
	}
	u, err := url.Parse(path)
	switch {
	case err != nil:
		return "", invalid(path, "", "it is no URL: %v", err)
	case u.Host != "" && u.Host != "localhost" || u.Path == "" || u.RawQuery != "" || u.Fragment != "":
		return "", invalid(path, "a file of this machine is file:///PATH", "it names no file of this machine")
	}
	return u.Path, nil
}

// cutURL takes a URL apart behind its scheme, which has no case and is given in small letters.
func cutURL(path string) (scheme, rest string, isURL bool) {
	scheme, rest, isURL = strings.Cut(path, "://")
	if !isURL || scheme == "" || strings.Contains(scheme, "/") {
		return "", "", false
	}
	return strings.ToLower(scheme), rest, true
}

// progressLine shows how far a long call is, on a terminal alone.
type progressLine struct {
	con   *console
	shown bool
}

func (p *progressLine) show(m ipc.Progress) {
	if _, err := unix.IoctlGetTermios(int(p.con.err.Fd()), termiosRequest); err != nil {
		return
	}
	p.shown = true
	of := ""
	if m.Total > 0 {
		of = fmt.Sprintf(" of %d", m.Total)
	}
	fmt.Fprintf(p.con.err, "\r\x1b[K%d%s %s", m.Done, of, m.What)
}

func (p *progressLine) clear() {
	if p.shown {
		fmt.Fprint(p.con.err, "\r\x1b[K")
	}
}

// isCode reports whether an error of the daemon's has a code.
func isCode(err error, code ipc.Code) bool {
	var e *ipc.Error
	return errors.As(err, &e) && e.Code == code
}
