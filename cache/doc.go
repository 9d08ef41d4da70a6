// Package cache is the folder of what keeps bytes near: see [rowstore], which keeps the decoded rows of matrices.
//
// [rowstore]: https://pkg.go.dev/github.com/loaderd/loaderd/cache/rowstore
package cache
