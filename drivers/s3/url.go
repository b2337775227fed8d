package s3

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/streamgate/streamgate/fault"
)

// OpenURL is Open with the options of a URL:
//
//	s3://[ACCESSKEY:SECRETKEY@]HOST[:PORT]/BUCKET[/PREFIX][?region=R&tls=false&...]
//
// Bytes of the credentials that a URL cannot hold are percent-encoded. The parameters, each
// named like its option: region, tls (default true), part_size (bytes, or with the
// suffix KiB, MiB or GiB), parallel, equal_parts, path_style, keys (marked or plain),
// create, no_probe. Another one, or one given twice, is fault.Invalid.
//
// Where over has credentials they win over those of the URL; its other fields are used when the
// URL says nothing of them.
func OpenURL(ctx context.Context, rawURL string, over Options) (*Store, error) {
	opt, err := ParseURL(rawURL, over)
	if err != nil {
		return nil, fault.At("s3.OpenURL", err)
	}
	return Open(ctx, opt)
}

// ParseURL returns the options that OpenURL opens.
func ParseURL(rawURL string, over Options) (Options, error) {
	const op = "s3.ParseURL"
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "s3" {
		// The cause would show the URL, with the secret in it.
		return Options{}, fault.New(fault.Invalid, op, "not a URL of the form s3://KEY:SECRET@HOST/BUCKET; are special characters of the secret percent-encoded?")
	}
	opt := over
	opt.Endpoint = u.Host
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	opt.Bucket = bucket
	if prefix != "" {
		opt.Prefix = prefix
	}
	if opt.Endpoint == "" || bucket == "" || u.Fragment != "" || u.Opaque != "" {
		return Options{}, fault.New(fault.Invalid, op, "the URL needs a host and a bucket: s3://HOST/BUCKET")
	}
	if over.AccessKey == "" && u.User != nil {
		opt.AccessKey = u.User.Username()
		opt.SecretKey, _ = u.User.Password()
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Options{}, fault.New(fault.Invalid, op, "the parameters of the URL cannot be read")
	}
	for name, values := range query {
		if len(values) != 1 {
			return Options{}, fault.Newf(fault.Invalid, op, "the parameter %q is given more than once", name)
		}
		known, err := opt.set(name, values[0])
		if !known {
			return Options{}, fault.Newf(fault.Invalid, op, "the parameter %q is unknown", name)
		}
		if err != nil {
			return Options{}, fault.Newf(fault.Invalid, op, "the parameter %s cannot be %q", name, values[0])
		}
	}
	return opt, nil
}

// set sets the option of one parameter.
func (o *Options) set(name, value string) (known bool, err error) {
	switch name {
	case "region":
		o.Region = value
	case "keys":
		o.Keys = Keys(value)
	case "tls":
		var tls bool
		tls, err = strconv.ParseBool(value)
		o.Plaintext = !tls
	case "part_size":
		o.PartSize, err = parseBytes(value)
	case "parallel":
		o.Parallel, err = strconv.Atoi(value)
	case "equal_parts":
		o.EqualParts, err = strconv.ParseBool(value)
	case "path_style":
		o.PathStyle, err = strconv.ParseBool(value)
	case "create":
		o.Create, err = strconv.ParseBool(value)
	case "no_probe":
		o.NoProbe, err = strconv.ParseBool(value)
	default:
		return false, nil
	}
	return true, err
}

func parseBytes(s string) (int64, error) {
	unit := int64(1)
	for suffix, n := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if number, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = number, n
		}
	}
	n, err := strconv.ParseInt(s, 10, 32) // units bound it well below an overflow
	return n * unit, err
}
