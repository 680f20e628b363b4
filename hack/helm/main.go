// Helm's own engine, for the tests of the chart: it renders it as helm template does, checks documents against a JSON Schema
// by the library that Helm checks values with, and installs, upgrades and uninstalls the release as helm does. Helm's command
// line, its plugins and its registries are not in it.
//
//	helm-engine chart CHART NAMESPACE [KEY=VALUE…]     manifests on the standard output
//	helm-engine schema SCHEMA                          a JSON document on the standard input; says what is wrong with it
//	helm-engine install|upgrade [--take-ownership] CHART NAMESPACE [KEY=VALUE…]
//	helm-engine uninstall NAMESPACE                    by the cluster of KUBECONFIG
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/strvals"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) > 0 {
		command, rest := arguments[0], arguments[1:]
		takes := len(rest) > 0 && rest[0] == "--take-ownership"
		if takes {
			rest = rest[1:]
		}
		switch {
		case command == "chart" && len(rest) >= 2:
			return render(rest[0], rest[1], rest[2:])
		case command == "schema" && len(rest) == 1:
			return check(rest[0])
		case command == "install" && len(rest) >= 2:
			return install(rest[0], rest[1], rest[2:], takes)
		case command == "upgrade" && len(rest) >= 2:
			return upgrade(rest[0], rest[1], rest[2:], takes)
		case command == "uninstall" && len(rest) == 1:
			return uninstall(rest[0])
		}
	}
	return errors.New("usage: helm-engine chart|install|upgrade|uninstall|schema, as the head of main.go says")
}

// The chart, and what is given of its values.
func read(path string, sets []string) (*chart.Chart, map[string]any, error) {
	loaded, err := loader.Load(path)
	if err != nil {
		return nil, nil, err
	}
	if err := loaded.Validate(); err != nil {
		return nil, nil, err
	}
	given := map[string]any{}
	for _, set := range sets {
		if err := strvals.ParseInto(set, given); err != nil {
			return nil, nil, err
		}
	}
	return loaded, given, nil
}

func render(path, namespace string, sets []string) error {
	chart, given, err := read(path, sets)
	if err != nil {
		return err
	}
	release := common.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}
	values, err := util.ToRenderValues(chart, given, release, common.DefaultCapabilities.Copy())
	if err != nil {
		return err
	}
	// A value that is missing is a mistake in a template.
	files, err := engine.Engine{Strict: true}.Render(chart, values)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if filepath.Ext(name) == ".txt" {
			fmt.Fprintln(os.Stderr, files[name])
		} else if strings.TrimSpace(files[name]) != "" {
			fmt.Printf("---\n%s\n", strings.TrimSpace(files[name]))
		}
	}
	return nil
}

func check(path string) error {
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile(path)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(os.Stdin); err != nil {
		return err
	}
	document, err := jsonschema.UnmarshalJSON(&text)
	if err != nil {
		return err
	}
	return schema.Validate(document)
}
