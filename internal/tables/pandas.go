package tables

import "encoding/json"

// categorical are the columns that pandas' note to a file calls categorical, which Parquet itself has as text
// (https://pandas.pydata.org/docs/development/developer.html).
func categorical(note []byte) map[string]bool {
	var said struct {
		Columns []struct {
			Field string `json:"field_name"`
			Type  string `json:"pandas_type"`
		} `json:"columns"`
	}
	if json.Unmarshal(note, &said) != nil {
		return nil // a note is no reason not to read the file
	}
	found := make(map[string]bool)
	for _, c := range said.Columns {
		if c.Type == "categorical" {
			found[c.Field] = true
		}
	}
	return found
}
