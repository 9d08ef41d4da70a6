package sampler_test

import (
	"fmt"

	"github.com/loaderd/loaderd/sampler"
)

// Any position of any epoch can be asked for, in any order.
func ExampleOrder() {
	order, err := sampler.New(sampler.Spec{N: 5_000_000_000, Kind: sampler.Shuffle, Seed: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	epoch := order.Epoch(3)
	fmt.Println(epoch.At(0), epoch.At(4_999_999_999))

	rows := make([]int64, 3)
	epoch.Fill(rows, 1_000_000, 2) // positions 1,000,000, 1,000,002, 1,000,004
	fmt.Println(rows)
	// Output:
	// 2675152869 3285013886
	// [581850407 4585274608 814204136]
}

// Eleven rows in batches of two for two ranks: the last global batch holds three rows, so rank 1 repeats its first.
func ExamplePlan() {
	order, err := sampler.New(sampler.Spec{N: 11, Kind: sampler.Sequential})
	if err != nil {
		fmt.Println(err)
		return
	}
	epoch := order.Epoch(0)
	for rank := range 2 {
		plan := sampler.Plan{N: 11, BatchSize: 2, World: 2, Rank: rank}
		fmt.Printf("rank %d:", rank)
		for b := range plan.Steps() {
			batch := plan.Batch(b)
			fmt.Printf(" %v pad %d;", epoch.Rows(nil, batch), batch.Pad)
		}
		fmt.Println()
	}
	// Output:
	// rank 0: [0 2] pad 0; [4 6] pad 0; [8 10] pad 0;
	// rank 1: [1 3] pad 0; [5 7] pad 0; [9 8] pad 1;
}

// A stream is resumed by the position after the last batch consumed, on any number of ranks.
func ExamplePlan_resume() {
	plan := sampler.Plan{N: 1000, BatchSize: 128, World: 1}
	saved := plan.Batch(2).End
	rest := sampler.Plan{N: 1000, Start: saved, BatchSize: 32, World: 4, Rank: 3}
	fmt.Println(saved, plan.Steps()-3, rest.Steps(), rest.Batch(0).First == plan.Batch(3).First)
	// Output: 384 5 5 true
}

func ExampleParseKind() {
	_, err := sampler.ParseKind("shufle")
	fmt.Println(err)
	// Output: sampler: invalid argument: order "shufle" is not known; use "sequential" or "shuffle"
}
