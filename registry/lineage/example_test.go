package lineage_test

import (
	"context"
	"fmt"
	"os"

	"github.com/loaderd/loaderd/registry"
	"github.com/loaderd/loaderd/registry/lineage"
)

func Example() {
	dir, err := os.MkdirTemp("", "lineage")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := registry.Open(ctx, registry.Options{Path: dir + "/registry.db", User: "ada"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	saved, err := db.Save(ctx, registry.Save{Model: registry.ModelArtifact,
		Record: registry.Record{"uid": "A7gkM2xPq09ZbVt40000", "path": "/data/cells.h5ad", "key": "cells.h5ad", "hash": "x", "size": 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	graph, err := lineage.Load(ctx, db, saved.Record.UID(), lineage.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := lineage.Text(os.Stdout, graph); err != nil {
		fmt.Println(err)
	}
	// Output:
	// artifact A7gkM2xPq09ZbVt40000  cells.h5ad
	// made from nothing that is known
	// used for nothing that is known
}
