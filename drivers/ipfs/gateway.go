package ipfs

import (
	"net/http"
	"strings"

	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/gateway"

	"github.com/streamgate/streamgate/fault"
)

// Gateway returns an HTTP gateway over the blocks on the local disk, to mount at "/ipfs/":
// files with ranges, and with ?format=raw or ?format=car (or the Accept header) what a client
// that trusts nobody needs. It answers GET and HEAD of /ipfs/ only, fetches nothing from other
// nodes and resolves no names, so that strangers cannot use it to reach others. A broken block is an error
// answer. Whoever can reach it can read what the node holds.
//
// Boxo counts the gateway's requests in the default Prometheus registry of the process.
func (n *Node) Gateway() (http.Handler, error) {
	backend, err := gateway.NewBlocksBackend(blockservice.New(n.blocks, nil))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "ipfs.Gateway", err)
	}
	h := gateway.NewHandler(gateway.Config{
		DeserializedResponses: true, NoDNSLink: true, DisableHTMLErrors: true,
		RetrievalTimeout: n.opt.BlockTimeout, MaxConcurrentRequests: 1024,
	}, backend)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/ipfs/") {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		h.ServeHTTP(w, r)
	}), nil
}
