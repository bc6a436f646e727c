// Package auth refuses everybody: this build of the controller has no basic or digest authentication.
package auth

import "net/http"

// CheckSecret knows no password.
func CheckSecret(_, _ string) bool { return false }

// BasicAuth lets nobody in.
type BasicAuth struct {
	Realm   string
	Secrets func(user, realm string) string
}

// RequireAuth refuses.
func (*BasicAuth) RequireAuth(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusUnauthorized)
}

// DigestAuth lets nobody in.
type DigestAuth struct{}

// NewDigestAuthenticator makes one.
func NewDigestAuthenticator(string, func(user, realm string) string) *DigestAuth {
	return &DigestAuth{}
}

// CheckAuth knows nobody.
func (*DigestAuth) CheckAuth(*http.Request) (string, *string) { return "", nil }

// RequireAuth refuses.
func (*DigestAuth) RequireAuth(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusUnauthorized)
}

// RequireAuthStale refuses.
func (a *DigestAuth) RequireAuthStale(w http.ResponseWriter, r *http.Request) { a.RequireAuth(w, r) }

// DigestAuthParams reads nothing.
func DigestAuthParams(string) map[string]string { return nil }
