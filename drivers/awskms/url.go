package awskms

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/streamgate/streamgate/fault"
)

// OpenURL returns the Master that rawURL describes. It does not ask KMS; Ping does.
//
//	awskms://[ACCESS_KEY:SECRET@]HOST[:PORT]/ALIAS?region=REGION
//
// HOST is the endpoint, such as kms.eu-west-1.amazonaws.com. The parameters are
//
//	region             required
//	insecure           true: plain HTTP, for stand-ins
//	create             false: Options.NoCreate
//	delete_after_days  Options.DeleteAfterDays
//	timeout            Options.Timeout, such as 5s
//
// A URL without credentials takes creds, which is how the roles of instances and
// pods come in; otherwise creds may be nil. A wrong URL is fault.Invalid, and the
// error shows no part of the credentials.
func OpenURL(_ context.Context, rawURL string, creds aws.CredentialsProvider) (*Master, error) {
	const op = "awskms.OpenURL"
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "awskms" || u.Host == "" || u.Opaque != "" || u.Fragment != "" {
		// The parser's error would quote the URL.
		return nil, fault.New(fault.Invalid, op, "the form is awskms://[ACCESS_KEY:SECRET@]HOST[:PORT]/ALIAS?region=REGION")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "the parameters cannot be read")
	}
	var opt Options
	region, scheme := "", "https"
	for name, values := range query {
		value, bad := values[len(values)-1], error(nil)
		switch name {
		case "region":
			region = value
		case "insecure":
			var insecure bool
			if insecure, bad = strconv.ParseBool(value); insecure {
				scheme = "http"
			}
		case "create":
			var create bool
			create, bad = strconv.ParseBool(value)
			opt.NoCreate = !create
		case "delete_after_days":
			opt.DeleteAfterDays, bad = strconv.Atoi(value)
		case "timeout":
			opt.Timeout, bad = time.ParseDuration(value)
		default:
			return nil, fault.Newf(fault.Invalid, op, "unknown parameter %q", name)
		}
		if bad != nil {
			return nil, fault.Newf(fault.Invalid, op, "parameter %s has a wrong value", name)
		}
	}
	if region == "" {
		return nil, fault.New(fault.Invalid, op, "parameter region is missing")
	}
	if u.User != nil {
		id := u.User.Username()
		secret, _ := u.User.Password()
		creds = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, Source: "URL"}, nil
		})
	}
	if creds == nil {
		return nil, fault.New(fault.Invalid, op, "there are no credentials, neither in the URL nor beside it")
	}
	endpoint := scheme + "://" + u.Host
	client := kms.New(kms.Options{Region: region, Credentials: creds, BaseEndpoint: &endpoint})
	m, err := New(client, strings.TrimPrefix(u.Path, "/"), opt)
	return m, fault.At(op, err)
}
