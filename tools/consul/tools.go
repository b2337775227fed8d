//go:build tools

// Package consul pins the Consul agent.
package consul

import _ "github.com/hashicorp/consul/command"
