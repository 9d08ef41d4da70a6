package cache_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/loaderd/loaderd/cache"
)

func ExampleCache_Path() {
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	slow := filepath.Join(dir, "nfs")
	cells := filepath.Join(slow, "cells.h5ad")
	if err := os.Mkdir(slow, 0o700); err != nil {
		panic(err)
	}
	if err := os.WriteFile(cells, []byte("many cells"), 0o600); err != nil {
		panic(err)
	}

	c, err := cache.New(cache.Options{Dir: filepath.Join(dir, "copies"), Roots: []string{slow}})
	if err != nil {
		panic(err)
	}
	found, err := c.Path(context.Background(), cache.Ref(cells), nil)
	if err != nil {
		panic(err)
	}
	content, err := os.ReadFile(found.Path)
	if err != nil {
		panic(err)
	}
	fmt.Println(filepath.Base(found.Path), "copied:", found.Copy)
	fmt.Println(string(content))
	// Output:
	// cells.h5ad copied: true
	// many cells
}
