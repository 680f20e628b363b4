package main

import (
	"time"

	"helm.sh/helm/v4/pkg/action"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/kube"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
)

// Of the release, as the chart's page has it.
const name = "gitmoor"

// For the daemon to be ready.
const patience = 3 * time.Minute

// As helm's command line sets it up, with its defaults: the release is kept in Secrets of its namespace.
func configuration(namespace string) (*action.Configuration, error) {
	flags := genericclioptions.NewConfigFlags(true).WithWrapConfigFn(func(config *rest.Config) *rest.Config {
		config.QPS, config.Burst = 500, 500
		return config
	})
	flags.Namespace = &namespace
	found := action.NewConfiguration()
	return found, found.Init(flags, namespace, "secret")
}

// What an installation and an upgrade need.
func prepared(path, namespace string, sets []string) (*action.Configuration, *chart.Chart, map[string]any, error) {
	loaded, values, err := read(path, sets)
	if err != nil {
		return nil, nil, nil, err
	}
	found, err := configuration(namespace)
	return found, loaded, values, err
}

// helm install --create-namespace --wait
func install(path, namespace string, sets []string, takes bool) error {
	found, chart, values, err := prepared(path, namespace, sets)
	if err != nil {
		return err
	}
	act := action.NewInstall(found)
	act.ReleaseName, act.Namespace, act.CreateNamespace = name, namespace, true
	act.WaitStrategy, act.Timeout, act.TakeOwnership = kube.StatusWatcherStrategy, patience, takes
	// Whoever takes objects over takes their fields over.
	act.ServerSideApply, act.ForceConflicts = true, takes
	_, err = act.Run(chart, values)
	return err
}

// helm upgrade --wait
func upgrade(path, namespace string, sets []string, takes bool) error {
	found, chart, values, err := prepared(path, namespace, sets)
	if err != nil {
		return err
	}
	act := action.NewUpgrade(found)
	act.Namespace, act.WaitStrategy, act.Timeout, act.TakeOwnership = namespace, kube.StatusWatcherStrategy, patience, takes
	act.ServerSideApply, act.ForceConflicts = "auto", takes
	_, err = act.Run(name, chart, values)
	return err
}

// helm uninstall --wait
func uninstall(namespace string) error {
	found, err := configuration(namespace)
	if err != nil {
		return err
	}
	act := action.NewUninstall(found)
	act.WaitStrategy, act.Timeout, act.DeletionPropagation = kube.StatusWatcherStrategy, patience, "background"
	_, err = act.Run(name)
	return err
}
