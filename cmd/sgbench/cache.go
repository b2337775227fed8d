package main
import ("context";"io")
func measureCache(ctx context.Context, c config, dir string, out io.Writer) error { return nil }
