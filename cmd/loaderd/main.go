package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"
)

// verbs is the command line.
type verbs struct {
	Serve   serveCmd   `cmd:"" help:"Run the daemon in the foreground. Clients start one by themselves when none runs."`
	Status  statusCmd  `cmd:"" help:"Show the running daemon, its collections and its sessions."`
	Stop    stopCmd    `cmd:"" help:"Stop the running daemon."`
	Head    headCmd    `cmd:"" help:"Print the first batches of AnnData files as a table."`
	Prepare prepareCmd `cmd:"" help:"Write the rows of AnnData files to the row store, so that nothing is decoded while training."`

	Add        addCmd        `cmd:"" group:"registry" help:"Register files, folders and URLs as artifacts. They stay where they are."`
	Ls         lsCmd         `cmd:"" group:"registry" help:"List artifacts, collections and other records that fulfil conditions."`
	Show       showCmd       `cmd:"" group:"registry" help:"Print all fields of a record."`
	Describe   describeCmd   `cmd:"" group:"registry" help:"Print a record and what it has to do with others: members, labels, features, runs."`
	Versions   versionsCmd   `cmd:"" group:"registry" help:"List the versions of an artifact, a collection or a transform."`
	Lineage    lineageCmd    `cmd:"" group:"registry" help:"Show where a record came from and what became of it."`
	Cache      cacheCmd      `cmd:"" group:"registry" help:"Print where artifacts and collections can be read, once those on slow file systems are copied."`
	Collection collectionCmd `cmd:"" group:"registry" help:"Make collections of artifacts."`
	Rm         rmCmd         `cmd:"" group:"registry" help:"Put records into the trash, or delete them for good."`
	Restore    restoreCmd    `cmd:"" group:"registry" help:"Take records out of the trash."`
	Import     importCmd     `cmd:"" group:"registry" help:"Take over the records of another registry."`

	Completion completionCmd `cmd:"" help:"Print the function that lets bash, zsh or fish complete this command's words."`
	Version    versionCmd    `cmd:"" help:"Print versions."`
}

// Exit codes beside 0 and 1.
const (
	exitNotRunning = 3  // status, stop: there is no daemon
	exitRunning    = 4  // serve: there is one already
	exitUsage      = 80 // kong's own: no such verb, flag or argument
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// console is where a verb writes.
type console struct{ out, err *os.File }

// run parses args, runs the verb, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr *os.File) int {
	var v verbs
	parser, err := kong.New(&v,
		kong.Name("loaderd"),
		kong.Description("Shuffled batches of single-cell data, from AnnData files into shared memory."),
		kong.UsageOnError(),
		kong.ExplicitGroups([]kong.Group{{Key: "registry", Title: "Registry of artifacts and collections:"}}),
		kong.Writers(stdout, stderr),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&console{stdout, stderr}),
		kong.KindMapper(reflect.String, kong.MapperFunc(word)),
	)
	if err != nil {
		fmt.Fprintln(stderr, "loaderd:", err)
		return 1
	}
	if len(args) > 0 && args[0] == completeVerb {
		complete(ctx, &console{stdout, stderr}, parser.Model, args[1:])
		return 0
	}
	parsed, err := parser.Parse(flagsFirst(parser.Model, args))
	if err != nil && slices.Contains(args, "--json") {
		failJSON(stderr, err)
		return exitUsage
	}
	if err != nil {
		parser.FatalIfErrorf(err)
	}
	if err := parsed.Run(); err != nil {
		return fail(stderr, err, wantsJSON(parsed))
	}
	return 0
}
