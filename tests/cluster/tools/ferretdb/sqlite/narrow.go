// Part of FerretDB's own package, once it is copied there.
package sqlite

import (
	"fmt"
	"strings"

	"github.com/FerretDB/FerretDB/internal/backends/sqlite/metadata"
	"github.com/FerretDB/FerretDB/internal/handler/sjson"
	"github.com/FerretDB/FerretDB/internal/types"
	"github.com/FerretDB/FerretDB/internal/util/must"
)

// The part of a filter that SQLite can answer from an index: fields that equal a text or an id. All documents that the
// filter selects are among those that this selects; whoever calls this applies the whole filter to them.
func narrow(filter *types.Document) (string, []any) {
	var conditions []string
	var args []any
	for _, key := range filter.Keys() {
		value := must.NotFail(filter.Get(key))
		switch value.(type) {
		case string, types.ObjectID:
		default:
			continue
		}
		if strings.ContainsAny(key, `.$'"\`) {
			continue
		}
		// As in the index of the field. An array may have the value in it.
		field := fmt.Sprintf("%s->'%s'", metadata.DefaultColumn, key)
		conditions = append(conditions, fmt.Sprintf(`(%[1]s = ? OR (%[1]s >= '[' AND %[1]s < '\'))`, field))
		args = append(args, string(must.NotFail(sjson.MarshalSingleValue(value))))
	}
	if conditions == nil {
		return "", nil
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}
