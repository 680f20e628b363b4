// Loads a dashboard by Grafana's own definitions of what one is, strictly: a field that Grafana does not know, or of another
// type than it expects, is an error. Grafana itself would pass over it and show an empty panel.
//
//	dashboard <FILE
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

func main() {
	if err := load(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func load(file io.Reader) error {
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(table.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
	var strict, loaded dashboard.Dashboard
	if err := told(strict.UnmarshalJSONStrict(text)); err != nil {
		return err
	}
	// What is read strictly lacks its panels in this version of the library.
	if err := json.Unmarshal(text, &loaded); err != nil {
		return err
	}
	return errors.Join(told(loaded.Validate()), known(loaded))
}

// An empty list of errors is none, though it comes as an error.
func told(err error) error {
	var all cog.BuildErrors
	if errors.As(err, &all) && len(all) == 0 {
		return nil
	}
	return err
}

// What is of a type that is not known is not looked into above: so nothing is.
func known(loaded dashboard.Dashboard) error {
	var wrong []error
	for _, entry := range loaded.Panels {
		panels := []dashboard.Panel{}
		if entry.Panel != nil {
			panels = append(panels, *entry.Panel)
		}
		if entry.RowPanel != nil {
			panels = append(panels, entry.RowPanel.Panels...)
		}
		for _, panel := range panels {
			if _, ok := cog.ConfigForPanelcfgVariant(panel.Type); !ok {
				wrong = append(wrong, fmt.Errorf("a panel is of the type %q: register it in hack/dashboard", panel.Type))
			}
			for _, target := range panel.Targets {
				if _, ok := target.(*prometheus.Dataquery); !ok {
					wrong = append(wrong, fmt.Errorf("a query of a panel is none of Prometheus: %T", target))
				}
			}
		}
	}
	return errors.Join(wrong...)
}
