package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/loaderd/loaderd/cache"
	"github.com/loaderd/loaderd/ipc"
	"github.com/loaderd/loaderd/mapped"
	"github.com/loaderd/loaderd/registry"
)

// Why a connection or a request ends, beside what the packages below say.
var (
	errProtocol = errors.New("protocol error")
	errVersion  = errors.New("protocol versions differ")
	errInternal = errors.New("internal error")
	errBusy     = errors.New("other clients are connected")
	errGone     = errors.New("the daemon is shutting down")
	errHungUp   = errors.New("the client closed the connection")
	errPeerDied = errors.New("the client's process is gone")
)

// codes says which wire code stands for which error; the first match counts.
var codes = []struct {
	err   error
	stage string
	code  ipc.Code
	hint  string
}{
	{errProtocol, "connection", ipc.CodeProtocol, "the client and the daemon disagree about docs/protocol.md; update the older one"},
	{errVersion, "hello", ipc.CodeVersion, "install the same loaderd on both sides, or stop the running daemon with `loaderd stop`"},
	{errBusy, "shutdown", ipc.CodeBusy, "close them first, or run `loaderd stop`"},
	{errGone, "serve", ipc.CodeShuttingDown, "connect again: a new daemon starts by itself"},
	{context.Canceled, "serve", ipc.CodeShuttingDown, "connect again: a new daemon starts by itself"},
	{mapped.ErrNotFound, "open", ipc.CodeNotFound, ""},
	{mapped.ErrBadFile, "read", ipc.CodeBadFile, ""},
	{mapped.ErrUnsupported, "open", ipc.CodeUnsupported, ""},
	{mapped.ErrNoElement, "open", ipc.CodeNoElement, ""},
	{mapped.ErrUnknownKey, "open", ipc.CodeUnknownKey, ""},
	{mapped.ErrNoSharedVars, "open", ipc.CodeNoSharedVars, ""},
	{mapped.ErrInvalid, "open", ipc.CodeInvalidArgument, ""},
	{mapped.ErrIndex, "get", ipc.CodeIndex, ""},
	{mapped.ErrNoSpace, "read", ipc.CodeDisk, ""},
	{mapped.ErrChanged, "read", ipc.CodeSourceChanged, "close the session and open the files anew"},
	{mapped.ErrClosed, "read", ipc.CodeClosed, ""},
	{ipc.ErrMemory, "ring", ipc.CodeMemory, ""},
	{cache.ErrNotFound, "cache", ipc.CodeNotFound, ""},
	{cache.ErrUnsupported, "cache", ipc.CodeUnsupported, ""},
	{cache.ErrInvalid, "cache", ipc.CodeInvalidArgument, ""},
	{cache.ErrNoSpace, "cache", ipc.CodeDisk, ""},
	{cache.ErrChanged, "cache", ipc.CodeSourceChanged, ""},
	{cache.ErrUnreadable, "cache", ipc.CodeBadFile, ""},
	{registry.ErrInvalid, "registry", ipc.CodeValidation, ""},
	{registry.ErrUnknownField, "registry", ipc.CodeUnknownField, ""},
	{registry.ErrNoRecord, "registry", ipc.CodeNoRecord, ""},
	{registry.ErrConflict, "registry", ipc.CodeConflict, ""},
	{registry.ErrProtected, "registry", ipc.CodeProtected, ""},
	{registry.ErrBadFile, "registry", ipc.CodeRegistry, ""},
	{registry.ErrNewer, "registry", ipc.CodeRegistry, ""},
	{registry.ErrHeld, "registry", ipc.CodeRegistry, ""},
	{registry.ErrNoSpace, "registry", ipc.CodeRegistry, ""},
	{registry.ErrClosed, "registry", ipc.CodeShuttingDown, ""},
}

// wireError is err as the client sees it: the code, what was being done, to what, and what to do about it.
func wireError(err error) *ipc.Error {
	var done *ipc.Error
	if errors.As(err, &done) {
		e := *done
		return &e
	}
	out := &ipc.Error{
		Code: ipc.CodeInternal, Stage: "serve", Message: err.Error(),
		Hint: "this is a fault of loaderd's own; its log has the details (`loaderd status` names the log)",
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			out.Code, out.Stage, out.Hint = c.code, c.stage, c.hint
			break
		}
	}
	var m *mapped.Error
	if errors.As(err, &m) {
		out.Object = m.Object
		if m.Hint != "" { // it travels apart
			out.Message = strings.TrimSuffix(out.Message, "; "+m.Hint)
		}
		if m.Stage != "" {
			out.Stage = m.Stage
		}
		if m.Hint != "" {
			out.Hint = m.Hint
		}
	}
	var kept *cache.Error
	if errors.As(err, &kept) {
		out.Object, out.Hint = kept.Object, kept.Hint
		out.Message = strings.TrimSuffix(out.Message, "; "+kept.Hint)
	}
	var r *registry.Error
	if errors.As(err, &r) {
		out.Object, out.Stage, out.Hint = r.Object, r.Op, r.Hint
		out.Message = strings.TrimSuffix(out.Message, "; "+r.Hint)
	}
	return out
}

// atSeq is err in the place of a batch.
func atSeq(err error, gen, seq int64) *ipc.Error {
	out := wireError(err)
	out.Gen, out.Seq = &gen, &seq
	return out
}

func invalid(stage, object string, err error) error {
	return &mapped.Error{Kind: mapped.ErrInvalid, Stage: stage, Object: object, Err: err}
}

func errNotOpen(op string) error {
	return &mapped.Error{
		Kind: mapped.ErrClosed, Stage: op, Object: "connection",
		Err: fmt.Errorf("%s before open", op), Hint: "send open first",
	}
}
