package registry

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// saveCollection saves a collection and its members, or gives the one that has the same members in the same order.
func (tx *tx) saveCollection(t *Table, s Save) (*Saved, error) {
	r := maps.Clone(s.Record)
	if len(s.Members) == 0 && r["artifact"] != nil {
		s.Members = []any{r["artifact"]}
	}
	if len(s.Members) == 0 {
		return nil, fail(ErrInvalid, tx.op, "members", "", "a collection has at least one artifact")
	}
	members, notes, err := tx.saveMembers(s.Members)
	if err != nil {
		return nil, err
	}
	r["hash"], r["order_hash"] = hashOfMembers(members)
	there, err := tx.first(t, "t.hash IS ? AND t.order_hash = ? ORDER BY t.visibility, t.id DESC", r["hash"], r["order_hash"])
	if err != nil {
		return nil, err
	}
	var out *Saved
	if there != nil {
		out, err = tx.again(t, there, Record{"run": r["run"]})
	} else {
		out, err = tx.addCollection(t, s, r, members)
	}
	if err != nil {
		return nil, err
	}
	out.Members, out.Notes = members, append(notes, out.Notes...)
	return out, nil
}

func (tx *tx) addCollection(t *Table, s Save, r Record, members []Record) (*Saved, error) {
	revises := s.Revises
	setDefault(r, "visibility", Visible)
	if key := r.Text("key"); s.Revises == "" && key != "" && !s.asIs {
		var err error
		if revises, err = tx.headOf(t, "t.key = ?", key); err != nil {
			return nil, err
		}
	}
	out, err := tx.saveVersion(t, r, revises)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(members))
	for i, m := range members {
		ids[i] = m.Int("id")
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	_, err = tx.sql.ExecContext(tx.ctx, "INSERT INTO collection_artifact (collection_id, artifact_id, position) SELECT ?, value, key FROM json_each(?)",
		out.Record["id"], string(list))
	if err != nil {
		return nil, err
	}
	// The features of its members are its own.
	_, err = tx.sql.ExecContext(tx.ctx, `INSERT OR IGNORE INTO collection_featureset (collection_id, featureset_id, slot)
		SELECT l.collection_id, f.featureset_id, f.slot FROM collection_artifact l JOIN artifact_featureset f ON f.artifact_id = l.artifact_id
		WHERE l.collection_id = ?`, out.Record["id"])
	return out, err
}

// saveMembers gives the members' records in order, each once, and saves those that are not yet.
func (tx *tx) saveMembers(list []any) (members []Record, notes []string, err error) {
	known, err := tx.membersOf(list)
	if err != nil {
		return nil, nil, err
	}
	seen := make(map[string]bool, len(list))
	for i, m := range list {
		r := known[textOf(m)]
		if r == nil {
			if r, err = tx.savedOr(ModelArtifact, m); err != nil {
				return nil, nil, fmt.Errorf("member %d: %w", i, err)
			}
		}
		if seen[r.UID()] {
			notes = append(notes, fmt.Sprintf("the artifact %s is a member more than once, and counts once", r.UID()))
			continue
		}
		seen[r.UID()] = true
		members = append(members, r)
	}
	return members, notes, nil
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// membersOf finds the artifacts whose uids are in a list, all at once.
func (tx *tx) membersOf(list []any) (map[string]Record, error) {
	uids := slices.DeleteFunc(slices.Clone(list), func(m any) bool { _, ok := m.(string); return !ok })
	b, err := json.Marshal(uids)
	if err != nil {
		return nil, err
	}
	found, err := tx.find(tables[ModelArtifact], "t.uid IN (SELECT value FROM json_each(?))", string(b))
	byUID := make(map[string]Record, len(found))
	for _, r := range found {
		byUID[r.UID()] = r
	}
	return byUID, err
}

// hashOfMembers gives lamindb's hash of the members, in which neither order nor repetition counts, and a digest of their order.
func hashOfMembers(members []Record) (hash, order any) {
	var hashes, uids []string
	for _, m := range members {
		if h := m.Text("hash"); h != "" {
			hashes = append(hashes, h)
		}
		uids = append(uids, m.UID())
	}
	if len(hashes) > 0 {
		hash = HashSet(hashes)
	}
	return hash, hashText(uids)
}
