package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/streamgate/streamgate/nft/rule/importer"
)

// importedView is a rule made of another system's conditions.
type importedView struct {
	gateView
	// Losses says what a lossy import left out.
	Losses []importer.Loss `json:"losses"`
}

// importGate stores nothing.
func (a *api) importGate(q *request) error {
	var in struct {
		Format   string          `json:"format"`
		Document json.RawMessage `json:"document"`
		Lossy    bool            `json:"lossy"`
	}
	if err := a.decode(q.w, q.r, &in); err != nil {
		return err
	}
	got, err := importer.Import(importer.Format(in.Format), in.Document, importer.Options{Lossy: in.Lossy})
	if err != nil {
		return below("/document", err)
	}
	v := importedView{gateOf(got.Rule), got.Losses}
	if v.Losses == nil {
		v.Losses = []importer.Loss{}
	}
	return q.json(http.StatusOK, v)
}
