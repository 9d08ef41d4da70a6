// Package mapped concatenates AnnData files virtually.
package mapped
