package keras

// layerTable is the closed list of layers. Adding one takes a line here, and a function that builds it.
func layerTable() map[string]layerSpec {
	nothing := layerSpec{build: noOp, masks: 2}
	normalized := layerSpec{weights: normalizationWeights, build: normalization, masks: 3}
	lookup := layerSpec{weights: lookupWeights, build: lookup}
	return map[string]layerSpec{
		"InputLayer": {build: noOp},

		// Layers that do nothing when a model is served.
		"Dropout": nothing, "SpatialDropout1D": nothing, "SpatialDropout2D": nothing, "SpatialDropout3D": nothing,
		"GaussianNoise": nothing, "GaussianDropout": nothing, "AlphaDropout": nothing, "ActivityRegularization": nothing,
		"Identity": {build: noOp, masks: 3},

		"Dense":     {weights: denseWeights, build: dense, masks: 2},
		"Embedding": {weights: embeddingWeights, build: embedding},

		"BatchNormalization": {weights: batchNormalizationWeights, build: batchNormalization, masks: 2},
		"LayerNormalization": {weights: layerNormalizationWeights, build: layerNormalization, masks: 2},
		"UnitNormalization":  {build: unitNormalization, masks: 2},

		"Activation":      {build: activationLayer, masks: 2},
		"ReLU":            {build: reluLayer, masks: 2},
		"LeakyReLU":       {build: leakyReLU, masks: 2},
		"PReLU":           {weights: preluWeights, build: prelu, masks: 2},
		"ELU":             {build: elu, masks: 2},
		"Softmax":         {build: softmax, masks: 2},
		"ThresholdedReLU": {build: thresholdedReLU, masks: 2},

		"Flatten":      {build: flatten},
		"Reshape":      {build: reshape},
		"Permute":      {build: permute},
		"RepeatVector": {build: repeatVector},
		"Masking":      {build: masking},

		"Add":         {build: merge(sumOf)},
		"Subtract":    {build: merge(differenceOf)},
		"Multiply":    {build: merge(productOf)},
		"Average":     {build: merge(averageOf)},
		"Maximum":     {build: merge(largestOf)},
		"Minimum":     {build: merge(smallestOf)},
		"Concatenate": {build: concatenate},
		"Dot":         {build: dot},

		"GlobalAveragePooling1D": {build: averagePooling}, "GlobalAvgPool1D": {build: averagePooling},
		"GlobalMaxPooling1D": {build: maxPooling}, "GlobalMaxPool1D": {build: maxPooling},

		"Normalization":    normalized,
		"Rescaling":        {build: rescaling, masks: 3},
		"Discretization":   {weights: discretizationWeights, build: discretization},
		"CategoryEncoding": {build: categoryEncoding},
		"Hashing":          {build: hashing},
		"HashedCrossing":   {build: hashedCrossing},
		"StringLookup":     lookup,
		"IntegerLookup":    lookup,

		// What Keras 2 records of operators between layers.
		"TFOpLambda": {build: opLambda, operator: true}, "SlicingOpLambda": {build: opLambda, operator: true},
	}
}
