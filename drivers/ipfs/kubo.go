package ipfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/streamgate/streamgate/fault"
)

// Kubo is a client of the RPC API of a Kubo node (/api/v0), for what StreamGate needs of it:
// to copy files there and have them pinned. Every call is retried as RemoteOptions says and may be repeated
// without harm. All methods are safe for concurrent use.
//
// Whoever reaches that API owns the node: keep it on loopback or behind API.Authorizations and
// TLS, with a Token.
type Kubo struct{ r *remote }

// NewKubo returns a client of the node at base, as "http://127.0.0.1:5001". It connects to nothing yet.
func NewKubo(base string, opt RemoteOptions) (*Kubo, error) {
	r, err := newRemote("ipfs.NewKubo", base, opt)
	if err != nil {
		return nil, err
	}
	return &Kubo{r}, nil
}

// KuboID is what a Kubo node says of itself.
type KuboID struct {
	ID           string
	AgentVersion string
	// Addresses are in the form that Options.Peers takes.
	Addresses []string
}

func rpc(op, command string, query url.Values) call {
	return call{op: op, method: http.MethodPost, path: "/api/v0/" + command, query: query}
}

// kuboError is the body of Kubo's failures. The code is 0 for nearly all of them.
type kuboError struct{ Message string }

// ask makes a call that answers with one JSON value.
func (k *Kubo) ask(ctx context.Context, c call, v any) error {
	return k.r.retry(ctx, func(ctx context.Context) error {
		a, err := k.r.do(ctx, c, maxAnswer)
		if err != nil {
			return err
		}
		return decode(c.op, a.body, v)
	})
}

// ID asks the node who it is.
func (k *Kubo) ID(ctx context.Context) (KuboID, error) {
	var id KuboID
	err := k.ask(ctx, rpc("ipfs.Kubo.ID", "id", nil), &id)
	return id, err
}

// Pinned reports whether root is pinned with all that is beneath it.
func (k *Kubo) Pinned(ctx context.Context, root cid.Cid) (bool, error) {
	c := rpc("ipfs.Kubo.Pinned", "pin/ls", url.Values{"arg": {root.String()}, "type": {"recursive"}})
	var pinned bool
	err := k.r.retry(ctx, func(ctx context.Context) error {
		a, err := k.r.do(ctx, c, maxAnswer)
		if notPinned(a) {
			pinned = false
			return nil
		}
		if err != nil {
			return err
		}
		var list struct {
			Keys map[string]struct{ Type string }
		}
		if err := decode(c.op, a.body, &list); err != nil {
			return err
		}
		_, pinned = list.Keys[root.String()]
		return nil
	})
	return pinned, err
}

// notPinned knows Kubo's "no" to a question for a pin. It is a 500 with code 0 as any failure is,
// so that only the text tells (pinning/pinner ErrNotPinned and its like).
func notPinned(a answered) bool {
	var e kuboError
	return a.status == http.StatusInternalServerError && json.Unmarshal(a.body, &e) == nil && strings.Contains(e.Message, "not pinned")
}

// Pin has the node fetch what it lacks beneath root and keep it. What is pinned stays so.
func (k *Kubo) Pin(ctx context.Context, root cid.Cid) error {
	var out struct{ Pins []string }
	c := rpc("ipfs.Kubo.Pin", "pin/add", url.Values{"arg": {root.String()}, "recursive": {"true"}, "progress": {"false"}})
	c.timeout = k.r.opt.UploadTimeout
	return k.ask(ctx, c, &out)
}

// Unpin ends the pin of root. Unpinning what is not pinned is no error.
func (k *Kubo) Unpin(ctx context.Context, root cid.Cid) error {
	c := rpc("ipfs.Kubo.Unpin", "pin/rm", url.Values{"arg": {root.String()}, "recursive": {"true"}})
	return k.r.retry(ctx, func(ctx context.Context) error {
		a, err := k.r.do(ctx, c, maxAnswer)
		if notPinned(a) {
			return nil
		}
		return err
	})
}

// Block returns the block of c, verified: other bytes are fault.Corrupt. The node may fetch it from
// its network.
func (k *Kubo) Block(ctx context.Context, c cid.Cid) ([]byte, error) {
	const op = "ipfs.Kubo.Block"
	var block []byte
	err := k.r.retry(ctx, func(ctx context.Context) error {
		a, err := k.r.do(ctx, rpc(op, "block/get", url.Values{"arg": {c.String()}}), MaxBlockSize)
		if err != nil {
			return err
		}
		block = a.body
		return checkBlock(c, block)
	})
	if err != nil {
		return nil, err
	}
	return block, nil
}

// Add has the node import a file with the given parameters (zero: the defaults of Options) and pin it. Open is called for
// each attempt. The CID is the one that a Node of the same parameters gives.
func (k *Kubo) Add(ctx context.Context, open func() (io.ReadCloser, error), chunkSize, maxLinks int) (cid.Cid, error) {
	const op = "ipfs.Kubo.Add"
	if chunkSize == 0 {
		chunkSize = DefaultChunkSize
	}
	if maxLinks == 0 {
		maxLinks = DefaultMaxLinks
	}
	c := rpc(op, "add", url.Values{
		"cid-version": {"1"}, "hash": {"sha2-256"}, "raw-leaves": {"true"}, "chunker": {fmt.Sprintf("size-%d", chunkSize)},
		"max-file-links": {fmt.Sprint(maxLinks)}, "trickle": {"false"}, "inline": {"false"}, "pin": {"true"}, "quieter": {"true"}, "progress": {"false"},
	})
	var root cid.Cid
	err := k.upload(ctx, c, func(w io.Writer) error {
		r, err := open()
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(w, r)
		return err
	}, func(body []byte) error {
		var out struct{ Hash string }
		if err := decode(op, body, &out); err != nil {
			return err
		}
		var err error
		if root, err = cid.Decode(out.Hash); err != nil {
			return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the answer has no CID", Err: err}
		}
		return nil
	})
	return root, err
}

// ImportCAR sends a CAR with the one root given, which write writes anew for each attempt, and has the root
// pinned. The node verifies every block.
func (k *Kubo) ImportCAR(ctx context.Context, root cid.Cid, write func(w io.Writer) error) error {
	const op = "ipfs.Kubo.ImportCAR"
	c := rpc(op, "dag/import", url.Values{"pin-roots": {"true"}, "silent": {"false"}})
	return k.upload(ctx, c, write, func(body []byte) error {
		var out struct {
			Root *struct {
				Cid         map[string]string
				PinErrorMsg string
			}
		}
		if err := decode(op, body, &out); err != nil {
			return err
		}
		if out.Root == nil || out.Root.Cid["/"] != root.String() || out.Root.PinErrorMsg != "" {
			return fault.New(fault.Unavailable, op, "the node did not pin the root")
		}
		return nil
	})
}

// upload posts what write writes as a multipart file, without holding it in memory.
func (k *Kubo) upload(ctx context.Context, c call, write func(io.Writer) error, read func(body []byte) error) error {
	c.timeout = k.r.opt.UploadTimeout
	return k.r.retry(ctx, func(ctx context.Context) error {
		pr, pw := io.Pipe()
		form := multipart.NewWriter(pw)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer pr.Close() // ends a writer that nobody reads any more
		var writeErr error
		wg.Go(func() {
			writeErr = writeForm(form, write)
			pw.CloseWithError(writeErr)
		})
		c.body = func() (io.Reader, string) { return pr, form.FormDataContentType() }
		a, err := k.r.do(ctx, c, maxAnswer)
		if err == nil {
			return read(bytes.TrimSpace(a.body))
		}
		// When our own source failed, that is the reason, and not the answer it led to.
		pr.Close()
		wg.Wait()
		if writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) && ctx.Err() == nil {
			return ioFault(c.op, writeErr)
		}
		return err
	})
}

func writeForm(form *multipart.Writer, write func(io.Writer) error) error {
	part, err := form.CreateFormFile("file", "file")
	if err != nil {
		return err
	}
	if err := write(part); err != nil {
		return err
	}
	return form.Close()
}
