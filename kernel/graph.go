package kernel

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Roles returns every role the components name, sorted.
func Roles(components []Component) []string {
	set := map[string]bool{}
	for _, c := range components {
		for _, r := range c.Roles {
			set[r] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// plan validates all components, whether selected or not, so that a mistake in
// one role is not found only on the day it is deployed.
func plan(components []Component, roles []string) ([]Component, error) {
	index, err := names(components)
	if err != nil {
		return nil, err
	}
	if path := cycle(components, index); path != nil {
		return nil, fmt.Errorf("components need each other in a circle: %s", strings.Join(path, " -> "))
	}
	selected, err := choose(components, index, roles)
	if err != nil {
		return nil, err
	}
	return order(components, index, selected), nil
}

// names indexes the components and checks every name and need.
func names(components []Component) (map[string]int, error) {
	var errs []error
	index := make(map[string]int, len(components))
	for i, c := range components {
		if c.Name == "" {
			errs = append(errs, fmt.Errorf("component %d has no name", i))
			continue
		}
		if _, dup := index[c.Name]; dup {
			errs = append(errs, fmt.Errorf("component %q is declared twice", c.Name))
			continue
		}
		index[c.Name] = i
	}
	for _, c := range components {
		for _, need := range c.Needs {
			if _, ok := index[need]; !ok {
				errs = append(errs, fmt.Errorf("component %q needs %q, which does not exist", c.Name, need))
			}
		}
	}
	return index, errors.Join(errs...)
}

// cycle returns the path of the first circle in declaration order, its first
// name repeated at the end, or nil.
func cycle(components []Component, index map[string]int) []string {
	const visiting, visited = 1, 2
	mark := make([]int, len(components))
	var path []string
	var visit func(i int) []string
	visit = func(i int) []string {
		switch mark[i] {
		case visited:
			return nil
		case visiting:
			name := components[i].Name
			return append(slices.Clone(path[slices.Index(path, name):]), name)
		}
		mark[i] = visiting
		path = append(path, components[i].Name)
		for _, need := range components[i].Needs {
			if found := visit(index[need]); found != nil {
				return found
			}
		}
		path = path[:len(path)-1]
		mark[i] = visited
		return nil
	}
	for i := range components {
		if found := visit(i); found != nil {
			return found
		}
	}
	return nil
}

// choose marks what the roles select and everything that is needed for it.
func choose(components []Component, index map[string]int, roles []string) ([]bool, error) {
	selected := make([]bool, len(components))
	if len(roles) == 0 {
		for i := range selected {
			selected[i] = true
		}
		return selected, nil
	}
	known := Roles(components)
	for _, r := range roles {
		if !slices.Contains(known, r) {
			return nil, fmt.Errorf("role %q is unknown; the roles are %s", r, strings.Join(known, ", "))
		}
	}
	var mark func(i int)
	mark = func(i int) {
		if selected[i] {
			return
		}
		selected[i] = true
		for _, need := range components[i].Needs {
			mark(index[need])
		}
	}
	for i, c := range components {
		if slices.ContainsFunc(c.Roles, func(r string) bool { return slices.Contains(roles, r) }) {
			mark(i)
		}
	}
	return selected, nil
}

// order repeatedly takes the first declared component whose needs are all
// taken. The graph has no circle, so each round takes one.
func order(components []Component, index map[string]int, selected []bool) []Component {
	var out []Component
	taken := make([]bool, len(components))
	next := func() int {
		return slices.IndexFunc(components, func(c Component) bool {
			i := index[c.Name]
			return selected[i] && !taken[i] &&
				!slices.ContainsFunc(c.Needs, func(n string) bool { return !taken[index[n]] })
		})
	}
	for i := next(); i >= 0; i = next() {
		taken[i] = true
		out = append(out, components[i])
	}
	return out
}
