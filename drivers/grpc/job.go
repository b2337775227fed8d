package grpc

import "time"

const leaseWait = 20 * time.Second
