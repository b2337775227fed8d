//go:build tools

// Package localkms pins the AWS KMS stand-in.
package localkms

import _ "github.com/nsmithuk/local-kms/src"
