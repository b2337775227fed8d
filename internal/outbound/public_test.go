package outbound_test

import (
	"net"
	"testing"

	"github.com/streamgate/streamgate/internal/outbound"
)

func TestPublicOnly(t *testing.T) {
	t.Parallel()
	for ip, public := range map[string]bool{
		"1.1.1.1": true, "93.184.216.34": true, "2606:4700::1111": true,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false,
		"169.254.169.254": false, "fe80::1": false, "fd00::1": false, "0.0.0.0": false, "0.1.2.3": false, "::": false, "100.64.0.1": false, "198.18.0.1": false,
		"224.0.0.1": false, "ff02::1": false, "255.255.255.255": false, "240.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:db8::1": false, "192.0.2.1": false, "::127.0.0.1": false,
	} {
		if err := outbound.Public(net.JoinHostPort(ip, "80"), false); (err == nil) != public {
			t.Errorf("%s: %v, public is %v", ip, err, public)
		}
	}
	for address, allowed := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "10.0.0.1:1": false, "169.254.169.254:80": false} {
		if err := outbound.Public(address, true); (err == nil) != allowed {
			t.Errorf("%s with loopback allowed: %v", address, err)
		}
	}
	if outbound.Public("name.example:80", false) == nil {
		t.Error("a name that was not resolved was let through")
	}
}
