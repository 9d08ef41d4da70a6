package registry

import (
	"context"
	"maps"
)

// Tracked is a run that was opened, and what it is a run of.
type Tracked struct {
	Transform, Run Record
}

// Track opens a run of a transform: of the one of this key and hash, which is made where it is not there. A key whose text has
// changed gets a new version. run holds fields of the run.
func (db *DB) Track(ctx context.Context, transform, run Record) (*Tracked, error) {
	out := new(Tracked)
	err := db.update(ctx, "track", func(tx *tx) error {
		var of any = transform
		if uid := transform.UID(); uid != "" && len(transform) == 1 {
			of = uid
		}
		var err error
		if out.Transform, err = tx.savedOr(ModelTransform, of); err != nil {
			return err
		}
		fields := Record{}
		maps.Copy(fields, run)
		fields["transform"] = out.Transform.UID()
		saved, err := tx.save(Save{Model: ModelRun, Record: fields})
		if err == nil {
			out.Run = saved.Record
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Finish closes a run: "finished", "errored" or "aborted".
func (db *DB) Finish(ctx context.Context, run, status string) (Record, error) {
	var out Record
	err := db.update(ctx, "finish", func(tx *tx) (err error) {
		out, err = tx.change(tables[ModelRun], run, Record{"status": status, "finished_at": tx.now})
		return err
	})
	return out, err
}

// Input is something that a run reads.
type Input struct {
	Model Model // ModelArtifact or ModelCollection
	UID   string
}

// AddInputs notes what a run reads. What the run itself made, or made again, is no input of it and is left out; what is noted
// already stays. It gives those that are inputs now.
func (db *DB) AddInputs(ctx context.Context, run string, inputs []Input) ([]Input, error) {
	var out []Input
	err := db.update(ctx, "input", func(tx *tx) error {
		id, err := tx.id(tables[ModelRun], run)
		if err != nil {
			return err
		}
		for _, in := range inputs {
			noted, err := tx.addInput(id, run, in)
			if err != nil {
				return err
			}
			if noted {
				out = append(out, in)
			}
		}
		return nil
	})
	return out, err
}

func (tx *tx) addInput(id int64, run string, in Input) (noted bool, err error) {
	t, err := TableOf(in.Model)
	if err != nil {
		return false, err
	}
	rel, ok := t.Relation("input_of")
	if !ok {
		return false, fail(ErrInvalid, tx.op, string(in.Model), "", "only artifacts and collections are inputs of runs")
	}
	r, err := tx.get(t, in.UID)
	if err != nil || r.Text("run") == run {
		return false, err
	}
	before, _ := t.Relation("previous_runs")
	var made bool
	q := "SELECT EXISTS (SELECT 1 FROM " + before.Link + " WHERE " + before.Own + " = ? AND " + before.Other + " = ?)"
	if err := tx.sql.QueryRowContext(tx.ctx, q, r["id"], id).Scan(&made); err != nil || made {
		return false, err
	}
	return true, tx.link(rel, r.Int("id"), id)
}
