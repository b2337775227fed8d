package media

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/streamgate/streamgate/fault"
)

// span starts a span about an asset; end closes it with the outcome. Of an error
// it tells the kind only: messages can hold paths.
func (s *Service) span(ctx context.Context, name, asset string, more ...attribute.KeyValue) (_ context.Context, end func(error)) {
	ctx, span := s.tracer.Start(ctx, name, trace.WithAttributes(append(more, attribute.String("asset.id", asset))...))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, fault.KindOf(err).String())
		}
		span.End()
	}
}
