package main

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"sigs.k8s.io/yaml"
)

// places are where the version stands besides the chart. The first match of each pattern must be it.
var places = []struct{ file, pattern string }{
	{"CHANGELOG.md", `(?m)^## \[(\d[^\]]*)\]`},
	{"config/default/kustomization.yaml", `newTag: (\S+)`},
	{"config/manager/manager.yaml", `ctr-operator/ctr-operator:(\S+)`},
	{"config/manager/manager.yaml", `ctr-operator/ctr-runtime:(\S+)`},
}

// checkVersion holds the repository to one version: the chart's appVersion, which the Makefile reads.
func checkVersion(repository fs.FS) error {
	text, err := fs.ReadFile(repository, chartFolder+"/Chart.yaml")
	if err != nil {
		return err
	}
	var chart struct{ Version, AppVersion string }
	if err := yaml.Unmarshal(text, &chart); err != nil {
		return err
	}
	var problems []error
	if chart.Version != chart.AppVersion {
		problems = append(problems, fmt.Errorf("%s/Chart.yaml: version %s, appVersion %s: they move together",
			chartFolder, chart.Version, chart.AppVersion))
	}
	for _, place := range places {
		text, err := fs.ReadFile(repository, place.file)
		if err != nil {
			return err
		}
		found := regexp.MustCompile(place.pattern).FindStringSubmatch(string(text))
		if len(found) != 2 || found[1] != chart.AppVersion {
			problems = append(problems, fmt.Errorf("%s: its version (%s) is not %s, the chart's",
				place.file, place.pattern, chart.AppVersion))
		}
	}
	return errors.Join(problems...)
}
