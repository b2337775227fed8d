package fault

import (
	"fmt"
	"runtime/debug"
)

// Panic is a recovered panic: the cause inside the Internal error that Catch
// returns. Its stack is for logs and is not part of its text.
type Panic struct {
	// Value is what was given to panic.
	Value any
	// Stack is the stack of the goroutine that panicked.
	Stack []byte
}

// Error names the panic's value.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap returns Value when it is an error, so that errors.Is sees through.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Catch calls f and returns its error. A panic in f becomes an Internal error of
// operation op whose cause is a *Panic, whatever the panic's value is.
func Catch(op string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Error{Kind: Internal, Op: op, Err: &Panic{Value: v, Stack: debug.Stack()}}
		}
	}()
	return f()
}
