package features

import "embed"

// The presets are feature files themselves.
//
//go:embed presets/*.yaml
var presetFiles embed.FS

// The names of the presets.
const (
	// PresetCTR12 is the vector of twelve features that search engines' logistic regressions take.
	PresetCTR12 = "ctr-12"
	// PresetWideDeep are the five inputs of the Wide & Deep network that goes with them.
	PresetWideDeep = "ctr-wide-deep"
)

var presets = []string{PresetCTR12, PresetWideDeep}

// Preset is a feature file that says nothing but to take the preset.
func Preset(name string) []byte { return []byte("preset: " + name + "\n") }
