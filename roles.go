package streamgate

import (
	"slices"

	"github.com/streamgate/streamgate/httpapi"
	"github.com/streamgate/streamgate/media"
)

// The roles that a process with a platform can have; see WithRoles. A gateway and a cache
// role, which need no platform, are in cmd/refserver.
const (
	RoleAuth      = httpapi.RoleAuth
	RoleMetadata  = httpapi.RoleMetadata
	RoleUpload    = httpapi.RoleUpload
	RoleStreaming = httpapi.RoleStreaming
	RoleMonitor   = httpapi.RoleMonitor
	RoleTranscode = "transcode" // probes, plans, makes first segments, puts lost work back
	RoleWorker    = "worker"    // encodes
)

// Roles lists them.
func Roles() []string {
	return []string{RoleAuth, RoleMetadata, RoleUpload, RoleStreaming, RoleMonitor, RoleTranscode, RoleWorker}
}

// lanes is what of the pipeline the roles work on.
func lanes(roles []string) media.Lanes {
	if len(roles) == 0 {
		return 0
	}
	var l media.Lanes
	if slices.Contains(roles, RoleTranscode) {
		l |= media.LanePlan
	}
	if slices.Contains(roles, RoleWorker) {
		l |= media.LaneEncode
	}
	if l == 0 {
		return media.LaneNone
	}
	return l
}

// surface is the roles whose routes are served: those of the HTTP table, or none of it.
func surface(roles []string) []string {
	if len(roles) == 0 {
		return nil
	}
	routes := slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return r == RoleTranscode || r == RoleWorker })
	if len(routes) == 0 {
		return []string{httpapi.RoleNone}
	}
	return routes
}
