package registry

import (
	"context"
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
	if err := tx.notTwoMembers(s.Members); err != nil {
		return nil, err
	}
	if s.Append {
		if err := tx.append(t, &s, r); err != nil {
			return nil, err
		}
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
		out, err = tx.again(t, there, r, s)
	} else {
		out, err = tx.addCollection(t, s, r, members)
	}
	if err != nil {
		return nil, err
	}
	out.Members, out.Notes = members, append(notes, out.Notes...)
	return out, nil
}

// append makes of a collection's members those of the newest version of a family with these at the end, and gives it what describes that
// version, beside the names that every new version has.
func (tx *tx) append(t *Table, s *Save, r Record) error {
	if s.Revises == "" {
		return fail(ErrInvalid, tx.op, "append", "name the collection", "members are appended to those of the collection that is revised, and none is")
	}
	old, err := tx.fetch(t, s.Revises)
	if err != nil {
		return err
	}
	head, err := tx.first(t, "t.stem_uid = ? AND t.is_latest", old["stem_uid"])
	if err != nil {
		return err
	}
	have, err := tx.membersIn(head)
	if err != nil {
		return err
	}
	all := make([]any, 0, len(have)+len(s.Members))
	for _, m := range have {
		all = append(all, m.UID())
	}
	s.Members = append(all, s.Members...)
	for _, name := range []string{"reference", "reference_type", "meta_artifact"} {
		setDefault(r, name, head[name])
	}
	return nil
}

// membersIn are the members of a collection in order.
func (tx *tx) membersIn(c Record) ([]Record, error) {
	return tx.find(tables[ModelArtifact], "t.id IN (SELECT artifact_id FROM collection_artifact WHERE collection_id = ?1) "+
		"ORDER BY (SELECT position FROM collection_artifact WHERE collection_id = ?1 AND artifact_id = t.id)", c["id"])
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
	return out, tx.linkMembers(out.Record.Int("id"), members)
}

// linkMembers gives a collection its members in order, and their features.
func (tx *tx) linkMembers(id int64, members []Record) error {
	ids := make([]int64, len(members))
	for i, m := range members {
		ids[i] = m.Int("id")
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	_, err = tx.sql.ExecContext(tx.ctx, "INSERT INTO collection_artifact (collection_id, artifact_id, position) SELECT ?, value, key FROM json_each(?)", id, string(list))
	if err != nil {
		return err
	}
	_, err = tx.sql.ExecContext(tx.ctx, `INSERT OR IGNORE INTO collection_featureset (collection_id, featureset_id, slot)
		SELECT l.collection_id, f.featureset_id, f.slot FROM collection_artifact l JOIN artifact_featureset f ON f.artifact_id = l.artifact_id
		WHERE l.collection_id = ?`, id)
	return err
}

// saveMembers gives the members' records in order, each once, and saves those that are not yet.
func (tx *tx) saveMembers(list []any) (members []Record, notes []string, err error) {
	known, err := tx.membersOf(list)
	if err != nil {
		return nil, nil, err
	}
	seen, added := make(map[string]bool, len(list)), 0
	for i, m := range list {
		r := known[textOf(m)]
		if r == nil {
			added++
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
	if added > 0 { // a later one may be a new version of one before
		err = tx.reread(members)
	}
	return members, notes, err
}

// reread makes records of artifacts what they are now.
func (tx *tx) reread(artifacts []Record) error {
	uids := make([]any, len(artifacts))
	for i, r := range artifacts {
		uids[i] = r.UID()
	}
	now, err := tx.membersOf(uids)
	if err != nil {
		return err
	}
	for i, r := range artifacts {
		artifacts[i] = now[r.UID()]
	}
	return nil
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// notTwoMembers is notTwo of the artifacts whose uids are in a list.
func (tx *tx) notTwoMembers(list []any) error {
	if tx.from == nil || tx.own {
		return nil
	}
	known, err := tx.membersOf(list)
	if err != nil {
		return err
	}
	return tx.notTwo(tables[ModelArtifact], known)
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

// ChangeMembers adds artifacts at the end of a collection, and takes others out of it. Its hashes become those of the members that
// it has then; [ErrConflict] where another collection has these already. A collection keeps one member at least.
func (db *DB) ChangeMembers(ctx context.Context, uid string, add, remove []string) (Record, error) {
	var out Record
	err := db.update(ctx, "members", func(tx *tx) error {
		t := tables[ModelCollection]
		c, err := tx.get(t, uid)
		if err != nil {
			return err
		}
		members, err := tx.membersIn(c)
		if err != nil {
			return err
		}
		members = slices.DeleteFunc(members, func(m Record) bool { return slices.Contains(remove, m.UID()) })
		for _, uid := range add {
			if slices.ContainsFunc(members, func(m Record) bool { return m.UID() == uid }) {
				continue
			}
			m, err := tx.fetch(tables[ModelArtifact], uid)
			if err != nil {
				return err
			}
			members = append(members, m)
		}
		out, err = tx.setMembers(t, c, members)
		return err
	})
	return out, err
}

func (tx *tx) setMembers(t *Table, c Record, members []Record) (Record, error) {
	if len(members) == 0 {
		return nil, fail(ErrInvalid, tx.op, c.UID(), "delete the collection instead", "a collection has at least one artifact")
	}
	hash, order := hashOfMembers(members)
	other, err := tx.first(t, "t.hash IS ? AND t.order_hash = ? AND t.id <> ?", hash, order, c["id"])
	if err != nil {
		return nil, err
	}
	if other != nil {
		return nil, fail(ErrConflict, tx.op, c.UID(), "", "the collection %s has these members in this order", titleOf(other))
	}
	for _, table := range []string{"collection_artifact", "collection_featureset"} {
		if _, err := tx.sql.ExecContext(tx.ctx, "DELETE FROM "+table+" WHERE collection_id = ?", c["id"]); err != nil {
			return nil, err
		}
	}
	if err := tx.linkMembers(c.Int("id"), members); err != nil {
		return nil, err
	}
	if err := tx.set(t, c.Int("id"), Record{"hash": hash, "order_hash": order}); err != nil {
		return nil, err
	}
	return tx.get(t, c.UID())
}
