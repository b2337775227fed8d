package nats

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/streamgate/streamgate/kernel/job"
)

// record is what the stream holds of a job: the last message of the job's subject. No time of day
// decides anything in it: a record says how long after it was stored the job cannot be had.
type record struct {
	Job wireJob `json:"job"`
	// Birth names the Enqueue it came by, Write the writing of this record.
	Birth string `json:"birth"`
	Write string `json:"write"`
	// Arrival is the sequence of the job's first record; zero in that itself.
	Arrival uint64 `json:"arrival,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
	// Token is that of the lease, empty when there is none.
	Token string `json:"token,omitempty"`
	// Hold is the length of the lease or of the delay.
	Hold   time.Duration `json:"hold,omitempty"`
	Dead   bool          `json:"dead,omitempty"`
	Reason string        `json:"reason,omitempty"`
	// Done is all that is left for a while of a job that was acknowledged.
	Done bool `json:"done,omitempty"`
}

// wireJob is a job.Job with fixed names.
type wireJob struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Tenant    string    `json:"tenant,omitempty"`
	Priority  int       `json:"priority,omitempty"`
	Payload   []byte    `json:"payload,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	Attempts  int       `json:"attempts"`
}

func toWire(j job.Job) wireJob {
	return wireJob{j.ID, j.Kind, j.Tenant, j.Priority, j.Payload, j.NotBefore, j.MaxAttempts}
}

// job returns a job whose payload the caller owns.
func (w wireJob) job() job.Job {
	return job.Job{ID: w.ID, Kind: w.Kind, Tenant: w.Tenant, Priority: w.Priority, Payload: append([]byte(nil), w.Payload...),
		NotBefore: w.NotBefore, MaxAttempts: w.Attempts}
}

// keyOf names the work of a tenant as an element of a subject.
func keyOf(tenant, id string) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(len(tenant)) + ":" + tenant + id))
	return hex.EncodeToString(sum[:16])
}

// newToken returns the secret part of a token. The whole tells every process where the job is.
func newToken() string { return rand.Text() }

// splitToken returns the key and the secret of a token, or false when it was never given.
func splitToken(token string) (key, secret string, ok bool) {
	key, secret, ok = strings.Cut(token, ".")
	if !ok || len(key) != 32 || len(secret) != 26 || strings.Trim(key, "0123456789abcdef") != "" {
		return "", "", false
	}
	return key, secret, true
}

// doneFor is how long a finished job's record stays, so that every process hears of it.
const doneFor = time.Minute

// encode makes the message that writes r when the last record there is expect (0: none).
func (r record) encode(subject string, expect uint64) (*nats.Msg, error) {
	data, err := json.Marshal(r)
	m := nats.NewMsg(subject)
	m.Data = data
	m.Header.Set(nats.ExpectedLastSubjSeqHdr, strconv.FormatUint(expect, 10))
	if r.Done {
		m.Header.Set("Nats-TTL", doneFor.String())
	}
	return m, err
}
