package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/loaderd/loaderd/ipc"
)

type statusCmd struct {
	Socket string `help:"Socket of the daemon." env:"LOADERD_SOCKET" placeholder:"PATH"`
	JSON   bool   `help:"Print all counters as one JSON object."`
}

// Run prints what the running daemon says of itself.
func (c *statusCmd) Run(ctx context.Context, con *console) error {
	client, err := connect(ctx, c.Socket)
	if err != nil {
		return err
	}
	defer client.Close()
	st, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(con.out)
		enc.SetIndent("", "  ")
		return enc.Encode(st)
	}
	return printStatus(con.out, st)
}

func printStatus(w io.Writer, st *ipc.Status) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "loaderd %s\tpid %d, up %s, %d workers\n", st.Build, st.PID, seconds(st.Uptime), st.Workers)
	fmt.Fprintf(t, "socket\t%s\n", st.Socket)
	if st.Log != "" {
		fmt.Fprintf(t, "log\t%s (when started by a client)\n", st.Log)
	}
	fmt.Fprintf(t, "served\t%d batches, %d gets, %d rows, %s\n", st.Batches, st.Gets, st.Rows, size(st.Bytes))
	fmt.Fprintf(t, "memory\t%s in rings, %s of the daemon's own\n", size(st.RingBytes), size(st.HeapBytes))
	if s := st.RowStore; s != nil && s.Dir != "" {
		fmt.Fprintf(t, "rows kept\t%s of %s, in %s\n", size(s.Total), size(s.Allowed), s.Dir)
	} else if s != nil {
		fmt.Fprintf(t, "rows kept\tnone: %s\n", s.Problem)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(st.Collections) > 0 {
		fmt.Fprintln(t, "\nCOLLECTION\tCELLS\tFILES\tUSERS\tPATHS")
		for _, c := range st.Collections {
			fmt.Fprintf(t, "%.12s\t%d\t%d\t%d\t%s\n", c.Hash, c.NObs, len(c.Paths), c.Users, shorten(c.Paths))
		}
	}
	if len(st.Sessions) > 0 {
		fmt.Fprintln(t, "\nSESSION\tPID\tCLIENT\tAGE\tCOLLECTION\tEPOCH\tBATCH\tFRAMES\tRING\tSLOW SIDE")
		for _, s := range st.Sessions {
			fmt.Fprintf(t, "%d\t%d\t%s\t%s\t%.12s\t%s\n", s.Session, s.PID, s.Client, seconds(s.Age), s.Hash, streamColumns(s.Stream))
		}
	}
	return t.Flush()
}

func streamColumns(s *ipc.Stats) string {
	if s == nil || s.Gen < 0 {
		return "\t\t\t\t"
	}
	return fmt.Sprintf("%d\t%d/%d\t%d/%d\t%s\t%s", s.Epoch, s.Sent, s.Steps, s.InUse, s.Frames, size(s.RingBytes), slowSide(s))
}

// slowSide says who waits for whom: the daemon counts how often it found no free frame.
func slowSide(s *ipc.Stats) string {
	switch {
	case s.Sent == 0:
		return ""
	case 2*s.Waits > s.Sent:
		return "client"
	}
	return "daemon"
}

func shorten(paths []string) string {
	const most = 2
	if len(paths) <= most {
		return strings.Join(paths, " ")
	}
	return fmt.Sprintf("%s … (%d more)", strings.Join(paths[:most], " "), len(paths)-most)
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}

func size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	div, exp := int64(unit), 0
	for m := n / unit; m >= unit; m /= unit {
		div *= unit
		exp++
	}
	return fmt.Sprintf("%.1f %ciB", float64(n)/float64(div), "KMGTPE"[exp])
}
