// Part of FerretDB's own package, once it is copied there.
package postgresql

import (
	"fmt"
	"strings"

	"github.com/FerretDB/FerretDB/internal/backends/postgresql/metadata"
)

// The condition that a field equals a value, as PostgreSQL can answer it from the index of the field. FerretDB's own, by
// `@>`, it can't. An array may have the value in it; it comes after `true` in the order of JSON. Whoever calls this applies
// the whole filter to what is found.
func narrow(p *metadata.Placeholder, key any, operator, value string) (string, []any) {
	name, isName := key.(string)
	if !isName || operator != "->" || strings.ContainsAny(name, `'\`) {
		own := fmt.Sprintf(`%s%s%s @> %s`, metadata.DefaultColumn, operator, p.Next(), p.Next())
		return own, []any{key, value}
	}
	field := fmt.Sprintf(`%s->'%s'`, metadata.DefaultColumn, name)
	return fmt.Sprintf(`(%[1]s = %[2]s OR %[1]s > 'true')`, field, p.Next()), []any{value}
}
