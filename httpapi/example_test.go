package httpapi_test

import (
	"fmt"

	"github.com/streamgate/streamgate/httpapi"
)

// New wants the services; the root package streamgate builds them all.
func ExampleNew() {
	_, err := httpapi.New(httpapi.Options{})
	fmt.Println(err)
	// Output: httpapi.New: required for the routes that are served: Auth, Decider, Media, Playback
}

func ExampleRoutes() {
	for _, r := range httpapi.Routes()[:2] {
		fmt.Println(r.Method, r.Pattern, r.Access)
	}
	// Output:
	// POST /v1/auth/challenge none
	// POST /v1/auth/verify none
}
