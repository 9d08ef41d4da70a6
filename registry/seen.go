package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"time"
)

// seenTable remembers, of artifacts that are files of this machine, the signature of the file when it was hashed last.
const seenTable = `CREATE TABLE seen (artifact_id INTEGER PRIMARY KEY REFERENCES "artifact" (id) ON DELETE CASCADE, signature INTEGER NOT NULL) STRICT`

// coarse is by how much the time of a file may be before that at which it was written: file systems have clocks of their own, some of
// which count by twos of seconds. fine is that of those that count by less than a second.
const (
	coarse = 2 * time.Second
	fine   = 20 * time.Millisecond
)

// Signature is a digest of what changes whenever a file does: its size, the time that it says it was written at, which can be set, and
// that of the last change to it, which can not. It changes, too, when a file gets another name or other rights.
func Signature(fi fs.FileInfo) int64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %d", fi.Size(), fi.ModTime().UnixNano(), changedAt(fi).UnixNano())
	return int64(h.Sum64())
}

// TouchedAt is the last time at which a file can have been written to.
func TouchedAt(fi fs.FileInfo) time.Time {
	if at := changedAt(fi); at.After(fi.ModTime()) {
		return at
	}
	return fi.ModTime()
}

// Settled reports whether a later change to a file, of what it is until some time, shows in its signature: the clocks of file
// systems stand still for a while.
func Settled(fi fs.FileInfo, until time.Time) bool {
	at, still := changedAt(fi), fine
	if at.Nanosecond() == 0 {
		still = coarse
	}
	return until.Sub(at) > still
}

// MayDiffer reports whether a file of the size that a record says can be another one by now: its signature is not the one of before, or,
// where that is not known (0), it was touched since the record was made. Who wants to know reads it.
func MayDiffer(fi fs.FileInfo, r Record, seen int64) bool {
	if seen != 0 {
		return Signature(fi) != seen
	}
	return !TouchedAt(fi).Before(r.Time("created_at").Add(-coarse))
}

// Seen are the signatures that are known of artifacts, by their ids.
func (db *DB) Seen(ctx context.Context, ids []int64) (map[int64]int64, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]int64, len(ids))
	err = db.reading(ctx, "seen", func(read *sql.DB) error {
		rows, err := read.QueryContext(ctx, "SELECT artifact_id, signature FROM seen WHERE artifact_id IN (SELECT value FROM json_each(?))", string(list))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, signature int64
			if err := rows.Scan(&id, &signature); err != nil {
				return err
			}
			out[id] = signature
		}
		return rows.Err()
	})
	return out, err
}

// See notes the signatures of files of which it was found out that they are what was registered, by the ids of the artifacts.
func (db *DB) See(ctx context.Context, signatures map[int64]int64) error {
	return db.update(ctx, "see", func(tx *tx) error {
		for id, signature := range signatures {
			if err := tx.see(id, signature); err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *tx) see(id, signature int64) error {
	_, err := tx.sql.ExecContext(tx.ctx, `INSERT INTO seen (artifact_id, signature) SELECT id, ?2 FROM "artifact" WHERE id = ?1
		ON CONFLICT DO UPDATE SET signature = excluded.signature`, id, signature)
	return err
}

// seen is the signature that is known of an artifact; 0 where none is.
func (tx *tx) seen(id int64) (signature int64, err error) {
	err = tx.sql.QueryRowContext(tx.ctx, "SELECT signature FROM seen WHERE artifact_id = ?", id).Scan(&signature)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return signature, err
}
