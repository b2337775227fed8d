// Package awskms wraps the scope keys of auth/keys with AWS KMS: it is a
// keys.Master for keys.Shared. The master keys never leave KMS; a re-wrap happens
// inside it (ReEncrypt), so that a rotation shows no scope key to this process.
//
// A version of the master key is a KMS key of its own, named by its ARN, behind one
// alias. The yearly rotation of key material that KMS does by itself is not a
// version: KMS keeps the old material as long as the key.
package awskms

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
)

// Options configures a Master. The zero value is the documented default.
type Options struct {
	// NoCreate forbids making KMS keys. To rotate, point the alias to a new key, which has
	// the policy you want, and call Rotate. By default Next makes a symmetric key with the
	// account's default key policy and moves the alias to it.
	NoCreate bool
	// DeleteAfterDays, 7 to 30, schedules keys that a rotation has retired for deletion. By
	// default they are left as they are: only their deletion makes backups of the
	// store worthless, and it cannot be undone. The keys must serve this store alone.
	DeleteAfterDays int
	// Timeout bounds each operation, with the retries of the AWS client (default 10 s).
	Timeout time.Duration
}

// Master is a keys.Master in AWS KMS. It needs kms:Encrypt, Decrypt, ReEncryptFrom, ReEncryptTo and
// DescribeKey, and for Rotate without NoCreate kms:CreateKey, CreateAlias and
// UpdateAlias; with DeleteAfterDays kms:ScheduleKeyDeletion. The scope is part of each
// encryption context (and so of CloudTrail) under "streamgate:scope".
//
// A key that was changed is fault.Corrupt. A key that KMS does not give, whether it is
// disabled, deleted or not allowed, and a KMS that does not answer, are fault.Unavailable.
type Master struct {
	client *kms.Client
	alias  string
	opt    Options
}

var (
	_ keys.Master    = (*Master)(nil)
	_ keys.Rewrapper = (*Master)(nil)
)

// New returns a Master with the keys behind alias, as "alias/streamgate" or "streamgate". It
// does not ask KMS. Options out of range are fault.Invalid.
func New(client *kms.Client, alias string, opt Options) (*Master, error) {
	const op = "awskms.New"
	alias = "alias/" + strings.TrimPrefix(alias, "alias/")
	if alias == "alias/" || strings.HasPrefix(alias, "alias/aws/") {
		return nil, fault.New(fault.Invalid, op, "an alias of your own is needed, such as alias/streamgate")
	}
	if opt.DeleteAfterDays != 0 && (opt.DeleteAfterDays < 7 || opt.DeleteAfterDays > 30) {
		return nil, fault.New(fault.Invalid, op, "KMS deletes keys after 7 to 30 days")
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 10 * time.Second
	}
	return &Master{client: client, alias: alias, opt: opt}, nil
}

// encryptionContext is what KMS binds a ciphertext to.
func encryptionContext(scope string) map[string]string {
	return map[string]string{"streamgate:purpose": "scope-key", "streamgate:scope": scope}
}

// Wrap implements keys.Master.
func (m *Master) Wrap(ctx context.Context, version, scope string, plain []byte) ([]byte, error) {
	const op = "awskms.Wrap"
	return call(ctx, m, op, []string{version}, func(ctx context.Context) ([]byte, error) {
		out, err := m.client.Encrypt(ctx, &kms.EncryptInput{KeyId: &version, Plaintext: plain, EncryptionContext: encryptionContext(scope)})
		if err != nil {
			return nil, err
		}
		return out.CiphertextBlob, nil
	})
}

// Unwrap implements keys.Master.
func (m *Master) Unwrap(ctx context.Context, version, scope string, wrapped []byte) ([]byte, error) {
	const op = "awskms.Unwrap"
	if len(wrapped) == 0 {
		return nil, fault.New(fault.Corrupt, op, "there is no wrapped key")
	}
	return call(ctx, m, op, []string{version}, func(ctx context.Context) ([]byte, error) {
		// The key is named although the ciphertext names one too: bytes from another key must not do.
		out, err := m.client.Decrypt(ctx, &kms.DecryptInput{KeyId: &version, CiphertextBlob: wrapped, EncryptionContext: encryptionContext(scope)})
		if err != nil {
			return nil, err
		}
		return out.Plaintext, nil
	})
}

// Rewrap implements keys.Rewrapper.
func (m *Master) Rewrap(ctx context.Context, from, to, scope string, wrapped []byte) ([]byte, error) {
	const op = "awskms.Rewrap"
	if len(wrapped) == 0 {
		return nil, fault.New(fault.Corrupt, op, "there is no wrapped key")
	}
	return call(ctx, m, op, []string{from, to}, func(ctx context.Context) ([]byte, error) {
		out, err := m.client.ReEncrypt(ctx, &kms.ReEncryptInput{
			SourceKeyId: &from, DestinationKeyId: &to, CiphertextBlob: wrapped,
			SourceEncryptionContext: encryptionContext(scope), DestinationEncryptionContext: encryptionContext(scope),
		})
		if err != nil {
			return nil, err
		}
		return out.CiphertextBlob, nil
	})
}

// Next implements keys.Master. A key the alias points to that is not from is the next version, so
// that an operator can choose it; else a key is made and the alias moved to it.
func (m *Master) Next(ctx context.Context, from string) (string, error) {
	const op = "awskms.Next"
	return call(ctx, m, op, nil, func(ctx context.Context) (string, error) {
		target, err := m.target(ctx)
		if err != nil {
			return "", err
		}
		switch {
		case target != "" && target != from:
			return target, nil
		case m.opt.NoCreate && target == "":
			return "", fault.Newf(fault.Invalid, op, "%s does not exist: create a key and the alias", m.alias)
		case m.opt.NoCreate:
			return "", fault.Newf(fault.Invalid, op, "%s points to the key in use: point it to a new key and rotate again", m.alias)
		}
		made, err := m.client.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String("StreamGate master key")})
		if err != nil {
			return "", err
		}
		arn := *made.KeyMetadata.Arn
		if target != "" {
			_, err = m.client.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: &m.alias, TargetKeyId: &arn})
		} else {
			_, err = m.client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &m.alias, TargetKeyId: &arn})
		}
		if err == nil {
			return arn, nil
		}
		// Another process was first, or we may not move aliases: this key was used by nobody.
		_, undo := m.client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &arn, PendingWindowInDays: aws.Int32(7)})
		var exists *types.AlreadyExistsException
		if errors.As(err, &exists) {
			return m.target(ctx)
		}
		return "", errors.Join(err, undo)
	})
}

// target returns the key behind the alias, or "" when there is no such alias.
func (m *Master) target(ctx context.Context) (string, error) {
	out, err := m.client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &m.alias})
	var none *types.NotFoundException
	if errors.As(err, &none) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return *out.KeyMetadata.Arn, nil
}

// Retire implements keys.Master: it schedules the deletion of version if DeleteAfterDays
// says so. The key behind the alias it leaves.
func (m *Master) Retire(ctx context.Context, version string) error {
	const op = "awskms.Retire"
	if m.opt.DeleteAfterDays == 0 {
		return fault.Wrap(fault.Canceled, op, ctx.Err())
	}
	_, err := call(ctx, m, op, []string{version}, func(ctx context.Context) (struct{}, error) {
		target, err := m.target(ctx)
		if err != nil || target == version {
			return struct{}{}, err
		}
		if gone, err := m.gone(ctx, version); gone || err != nil {
			return struct{}{}, err
		}
		days := int32(m.opt.DeleteAfterDays) // #nosec G115 -- 7 to 30
		_, err = m.client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &version, PendingWindowInDays: &days})
		var state *types.KMSInvalidStateException
		if errors.As(err, &state) {
			// Another process may have retired it at the same time.
			if gone, e := m.gone(ctx, version); gone && e == nil {
				return struct{}{}, nil
			}
		}
		return struct{}{}, err
	})
	return err
}

// gone tells whether a key has been deleted or will be.
func (m *Master) gone(ctx context.Context, version string) (bool, error) {
	var none *types.NotFoundException
	out, err := m.client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &version})
	if errors.As(err, &none) {
		return true, nil
	}
	return err == nil && out.KeyMetadata.KeyState == types.KeyStatePendingDeletion, err
}

// Ping tells whether KMS answers for the alias. An alias that is not there yet is an answer.
func (m *Master) Ping(ctx context.Context) error {
	_, err := call(ctx, m, "awskms.Ping", nil, m.target)
	return err
}

// call bounds an operation in time and gives its error a fault kind. The versions it
// works with must be ARNs, or they are not of this Master.
func call[T any](ctx context.Context, m *Master, op string, versions []string, do func(ctx context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, fault.Wrap(fault.Canceled, op, err)
	}
	for _, v := range versions {
		if !strings.HasPrefix(v, "arn:") {
			return none, fault.New(fault.Unavailable, op, "the master key in use is not one of KMS: "+v)
		}
	}
	inner, cancel := context.WithTimeout(ctx, m.opt.Timeout)
	defer cancel()
	out, err := do(inner)
	if err != nil {
		return none, classify(ctx, op, err)
	}
	return out, nil
}

// classify gives an error of the AWS client its kind.
func classify(ctx context.Context, op string, err error) error {
	var own *fault.Error
	if errors.As(err, &own) {
		return own
	}
	if ended := ctx.Err(); ended != nil {
		return fault.Wrap(fault.Canceled, op, ended)
	}
	e := &fault.Error{Kind: fault.Unavailable, Op: op, Err: err}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		// Our own deadline, not the caller's: it must not pass for a call that was given up.
		e.Err = errors.New("kms did not answer in time")
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "InvalidCiphertextException", "IncorrectKeyException":
			e.Kind, e.Msg = fault.Corrupt, "the wrapped key was changed or belongs to another scope"
		case "ThrottlingException", "LimitExceededException":
			e.Msg, e.RetryAfter = "KMS asks to be called less often", time.Second
		case "AccessDeniedException", "DisabledException", "KMSInvalidStateException", "NotFoundException", "InvalidKeyUsageException":
			e.Msg = "KMS does not give the master key: " + api.ErrorCode()
		}
	}
	return e
}
