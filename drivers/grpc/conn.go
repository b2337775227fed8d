package grpc

import gogrpc "google.golang.org/grpc"

// Conn is what Dial returns, by a name that programs can use without importing gRPC.
type Conn = gogrpc.ClientConn
