// Package torture runs StreamGate on nine services with real back-ends, hurts it in known ways while people use
// it, and looks after each fault whether every promise was kept. cmd/sgtorture is its command; nothing that ships
// imports it.
//
// A fault counts only when it was seen to take effect: the process really died, bytes met the toxic, a write was done and
// its answer lost, somebody was refused for lack of space, others did the work of a worker that slept. And the run
// itself is tried: Planted breaks promises on purpose, one at a time, and each must be found out.
package torture
