package sklearn

import (
	"slices"
	"strings"
	"unicode"

	"github.com/ctr-operator/ctr-operator/runtime/format/pickle"
	"github.com/ctr-operator/ctr-operator/runtime/tabular"
)

// role is what a supported class is to a model. Of its functions mostly one kind is set; a class without any is one
// whose objects lie in artifacts, and that its owner's reader looks into, or nobody.
type role struct {
	// modules are all those that scikit-learn has kept the class in.
	modules []string
	// stage reads a transformer of so many columns of numbers; nil is returned for one that changes nothing. Where there is
	// a transform, too, that one counts for tables.
	stage func(r *reader, from step, columns int) (tabular.Stage, error)
	// transform reads any other transformer. What it takes of the table's columns it marks (reader.mark), after it has
	// asked for cells (reader.cells) if it takes other than numbers.
	transform func(r *reader, from step, in table) (made, error)
	// flat says that transform takes one column as it is, not a table: a text, not a row of texts.
	flat bool
	// union says that transform takes whatever its parts do.
	union bool
	// link reads how a linear estimator's scores follow from its decisions.
	link func(from step) (tabular.Link, error)
	// estimator reads a classifier or regressor.
	estimator func(r *reader, from step, in table) (scorer, error)
	// whole says that estimator takes tables of any form.
	whole bool
	// inner is the attribute that holds the estimator which this one is a wrapper of.
	inner string
	// steps says that the class is a Pipeline.
	steps bool
	// inert objects are made by a call with arguments, and of no interest.
	inert bool
}

// supported is the closed list of classes. Adding one means a line here and a file of its own.
var supported = map[string]role{
	"LogisticRegression": {
		modules: []string{"sklearn.linear_model._logistic", "sklearn.linear_model.logistic"}, link: logisticLink,
		estimator: readClassifier,
	},
	"LogisticRegressionCV": {
		modules: []string{"sklearn.linear_model._logistic", "sklearn.linear_model.logistic"}, link: logisticLink,
		estimator: readClassifier,
	},
	"SGDClassifier": {
		modules: []string{"sklearn.linear_model._stochastic_gradient", "sklearn.linear_model.stochastic_gradient"},
		link:    sgdLink, estimator: readClassifier,
	},
	"OneVsRestClassifier": {modules: []string{"sklearn.multiclass"}, estimator: readOneVsRest, whole: true},
	"TransformedTargetRegressor": {
		modules: []string{"sklearn.compose._target"}, estimator: readMapped, whole: true,
	},
	"CalibratedClassifierCV": {modules: []string{"sklearn.calibration"}, estimator: readCalibrated, whole: true},

	"LinearDiscriminantAnalysis": {
		modules: []string{"sklearn.discriminant_analysis"}, link: discriminantLink, estimator: readClassifier,
	},

	// Of these only the decision counts, which a CalibratedClassifierCV makes a probability of.
	"LinearSVC": {
		modules: []string{"sklearn.svm._classes", "sklearn.svm.classes"}, link: noProbability, estimator: readClassifier,
	},
	"RidgeClassifier":   {modules: ridge, link: noProbability, estimator: readClassifier},
	"RidgeClassifierCV": {modules: ridge, link: noProbability, estimator: readClassifier},

	"Perceptron": {
		modules: []string{"sklearn.linear_model._perceptron"}, link: noProbability, estimator: readClassifier,
	},
	"PassiveAggressiveClassifier": {
		modules: []string{"sklearn.linear_model._passive_aggressive"}, link: noProbability, estimator: readClassifier,
	},

	"LinearRegression": {
		modules: []string{"sklearn.linear_model._base", "sklearn.linear_model.base"},
		link:    identityLink, estimator: readRegressor,
	},
	"Ridge":        {modules: ridge, link: identityLink, estimator: readRegressor},
	"RidgeCV":      {modules: ridge, link: identityLink, estimator: readRegressor},
	"Lasso":        {modules: descent, link: identityLink, estimator: readRegressor},
	"LassoCV":      {modules: descent, link: identityLink, estimator: readRegressor},
	"ElasticNet":   {modules: descent, link: identityLink, estimator: readRegressor},
	"ElasticNetCV": {modules: descent, link: identityLink, estimator: readRegressor},
	"SGDRegressor": {
		modules: []string{"sklearn.linear_model._stochastic_gradient", "sklearn.linear_model.stochastic_gradient"},
		link:    identityLink, estimator: readRegressor,
	},
	"PassiveAggressiveRegressor": {
		modules: []string{"sklearn.linear_model._passive_aggressive"}, link: identityLink, estimator: readRegressor,
	},
	"Lars":              {modules: angles, link: identityLink, estimator: readRegressor},
	"LarsCV":            {modules: angles, link: identityLink, estimator: readRegressor},
	"LassoLars":         {modules: angles, link: identityLink, estimator: readRegressor},
	"LassoLarsCV":       {modules: angles, link: identityLink, estimator: readRegressor},
	"LassoLarsIC":       {modules: angles, link: identityLink, estimator: readRegressor},
	"TheilSenRegressor": {modules: []string{"sklearn.linear_model._theil_sen"}, link: identityLink, estimator: readRegressor},
	"QuantileRegressor": {modules: []string{"sklearn.linear_model._quantile"}, link: identityLink, estimator: readRegressor},
	"BayesianRidge":     {modules: bayes, link: identityLink, estimator: readRegressor},
	"ARDRegression":     {modules: bayes, link: identityLink, estimator: readRegressor},
	"HuberRegressor":    {modules: []string{"sklearn.linear_model._huber"}, link: identityLink, estimator: readRegressor},
	"PoissonRegressor":  {modules: generalised, link: logLink, estimator: readRegressor},
	"GammaRegressor":    {modules: generalised, link: logLink, estimator: readRegressor},
	"TweedieRegressor":  {modules: generalised, link: tweedieLink, estimator: readRegressor},
	"LinearSVR": {
		modules: []string{"sklearn.svm._classes", "sklearn.svm.classes"}, link: identityLink, estimator: readRegressor,
	},

	"StandardScaler": {modules: preprocessing, stage: readStandardScaler},
	"MinMaxScaler":   {modules: preprocessing, stage: readMinMaxScaler},
	"MaxAbsScaler":   {modules: preprocessing, stage: readMaxAbsScaler},
	"RobustScaler":   {modules: preprocessing, stage: readRobustScaler},
	"Normalizer":     {modules: preprocessing, stage: readDenseNormalizer, transform: readNormalizer},
	"PolynomialFeatures": {
		modules: []string{"sklearn.preprocessing._polynomial", "sklearn.preprocessing._data"}, stage: readPolynomial,
	},
	"KBinsDiscretizer":    {modules: []string{"sklearn.preprocessing._discretization"}, stage: readBins},
	"FunctionTransformer": {modules: []string{"sklearn.preprocessing._function_transformer"}, stage: readFunction},
	"VarianceThreshold":   {modules: []string{"sklearn.feature_selection._variance_threshold"}, transform: readSelection},
	"SelectKBest":         {modules: selection, transform: readSelection},
	"SelectFpr":           {modules: selection, transform: readSelection},
	"SelectFwe":           {modules: selection, transform: readSelection},
	"RFE":                 {modules: []string{"sklearn.feature_selection._rfe"}, transform: readSelection},
	"RFECV":               {modules: []string{"sklearn.feature_selection._rfe"}, transform: readSelection},
	"Binarizer":           {modules: preprocessing, stage: readBinarizer},
	"OneHotEncoder":       {modules: []string{"sklearn.preprocessing._encoders"}, transform: readOneHot},
	"OrdinalEncoder":      {modules: []string{"sklearn.preprocessing._encoders"}, transform: readOrdinal},
	"TargetEncoder":       {modules: []string{"sklearn.preprocessing._target_encoder"}, transform: readTarget},
	"SimpleImputer":       {modules: []string{"sklearn.impute._base"}, transform: readImputer},
	"ColumnTransformer":   {modules: []string{"sklearn.compose._column_transformer"}, transform: readColumns},
	"FeatureUnion":        {modules: []string{"sklearn.pipeline"}, transform: readUnion, union: true},
	"Pipeline":            {modules: []string{"sklearn.pipeline"}, transform: readSteps, steps: true},
	"CountVectorizer":     {modules: vectorizers, transform: readCounts, flat: true},
	"TfidfVectorizer":     {modules: vectorizers, transform: readTFIDF, flat: true},
	"HashingVectorizer":   {modules: vectorizers, transform: readHashedTerms, flat: true},
	"TfidfTransformer":    {modules: vectorizers, transform: readWeights},
	"DictVectorizer":      {modules: []string{"sklearn.feature_extraction._dict_vectorizer"}, transform: readFields, flat: true},
	"FeatureHasher":       {modules: []string{"sklearn.feature_extraction._hash"}, transform: readHashed, flat: true, union: true},
	"csr_matrix":          {modules: []string{"scipy.sparse.csr", "scipy.sparse._csr"}},
	"GridSearchCV":        {modules: search, inner: "best_estimator_"},
	"RandomizedSearchCV":  {modules: search, inner: "best_estimator_"},
	"TunedThresholdClassifierCV": {
		modules: []string{"sklearn.model_selection._classification_threshold"}, inner: "estimator_",
	},
	"FixedThresholdClassifier": {
		modules: []string{"sklearn.model_selection._classification_threshold"}, inner: "estimator_",
	},
	"LabelBinarizer":        {modules: []string{"sklearn.preprocessing._label", "sklearn.preprocessing.label"}},
	"FrozenEstimator":       {modules: []string{"sklearn.frozen._frozen"}, inner: "estimator"},
	"IsotonicRegression":    {modules: []string{"sklearn.isotonic"}},
	"_TemperatureScaling":   {modules: []string{"sklearn.calibration"}},
	"_SigmoidCalibration":   {modules: []string{"sklearn.calibration"}},
	"_CalibratedClassifier": {modules: []string{"sklearn.calibration"}},
	"MissingIndicator":      {modules: []string{"sklearn.impute._base"}},
	"_RemainderColsList":    {modules: []string{"sklearn.compose._column_transformer"}},
	// What training had to know, and predicting need not.
	"StratifiedKFold":                          {modules: []string{"sklearn.model_selection._split"}},
	"KFold":                                    {modules: []string{"sklearn.model_selection._split"}},
	"_Scorer":                                  {modules: scorers},
	"_CurveScorer":                             {modules: scorers},
	"_PassthroughScorer":                       {modules: scorers},
	"_PredictScorer":                           {modules: scorers},
	"_ProbaScorer":                             {modules: scorers},
	"_ThresholdScorer":                         {modules: scorers},
	"make_column_selector":                     {modules: []string{"sklearn.compose._column_transformer"}},
	"HalfPoissonLoss":                          {modules: losses},
	"HalfGammaLoss":                            {modules: losses},
	"HalfTweedieLoss":                          {modules: losses},
	"HalfTweedieLossIdentity":                  {modules: losses},
	"HalfSquaredError":                         {modules: losses},
	"PoissonDistribution":                      {modules: distributions},
	"GammaDistribution":                        {modules: distributions},
	"TweedieDistribution":                      {modules: distributions},
	"NormalDistribution":                       {modules: distributions},
	"DistributionBoundary":                     {modules: distributions, inert: true},
	"LogLink":                                  {modules: links},
	"IdentityLink":                             {modules: links},
	"Interval":                                 {modules: links, inert: true},
	"Memory":                                   {modules: []string{"joblib.memory"}},
	"FileSystemStoreBackend":                   {modules: []string{"joblib._store_backends"}},
	"MetadataRequest":                          {modules: requests},
	"MethodMetadataRequest":                    {modules: requests},
	"__pyx_unpickle_CyHalfPoissonLoss":         {modules: unpickled, inert: true},
	"__pyx_unpickle_CyHalfGammaLoss":           {modules: unpickled, inert: true},
	"__pyx_unpickle_CyHalfTweedieLoss":         {modules: unpickled, inert: true},
	"__pyx_unpickle_CyHalfTweedieLossIdentity": {modules: unpickled, inert: true},
	"__pyx_unpickle_CyHalfSquaredError":        {modules: unpickled, inert: true},
	"CyHalfPoissonLoss":                        {modules: sgdLosses, inert: true},
	"CyHalfGammaLoss":                          {modules: sgdLosses, inert: true},
	"CyHalfTweedieLoss":                        {modules: sgdLosses, inert: true},
	"CyHalfTweedieLossIdentity":                {modules: sgdLosses, inert: true},
	"Log":                                      {modules: sgdLosses, inert: true},
	"Hinge":                                    {modules: sgdLosses, inert: true},
	"SquaredHinge":                             {modules: sgdLosses, inert: true},
	"ModifiedHuber":                            {modules: sgdLosses, inert: true},
	"Huber":                                    {modules: sgdLosses, inert: true},
	"EpsilonInsensitive":                       {modules: sgdLosses, inert: true},
	"CyHalfBinomialLoss":                       {modules: sgdLosses, inert: true},
	"CyHalfSquaredError":                       {modules: sgdLosses, inert: true},
	"CyHuberLoss":                              {modules: sgdLosses, inert: true},
}

var (
	vectorizers   = []string{"sklearn.feature_extraction.text"}
	preprocessing = []string{"sklearn.preprocessing._data", "sklearn.preprocessing.data"}
	ridge         = []string{"sklearn.linear_model._ridge", "sklearn.linear_model.ridge"}
	descent       = []string{"sklearn.linear_model._coordinate_descent", "sklearn.linear_model.coordinate_descent"}
	angles        = []string{"sklearn.linear_model._least_angle"}
	selection     = []string{"sklearn.feature_selection._univariate_selection"}
	bayes         = []string{"sklearn.linear_model._bayes", "sklearn.linear_model.bayes"}
	generalised   = []string{"sklearn.linear_model._glm.glm"}
	search        = []string{"sklearn.model_selection._search"}
	scorers       = []string{"sklearn.metrics._scorer", "sklearn.metrics.scorer"}
	losses        = []string{"sklearn._loss.loss"}
	distributions = []string{"sklearn._loss.glm_distribution"}
	links         = []string{"sklearn._loss.link", "sklearn.linear_model._glm.link"}
	requests      = []string{"sklearn.utils._metadata_requests"}
	unpickled     = []string{"sklearn._loss._loss", "_loss"}
	sgdLosses     = []string{"sklearn.linear_model._sgd_fast", "sklearn.linear_model.sgd_fast", "sklearn._loss._loss", "_loss"}
)

const supportedText = "supported are LogisticRegression, LogisticRegressionCV, SGDClassifier (log_loss, modified_huber), " +
	"LinearDiscriminantAnalysis, OneVsRestClassifier, CalibratedClassifierCV (over these, and over LinearSVC, " +
	"RidgeClassifier, Perceptron, PassiveAggressiveClassifier and any SGDClassifier), " +
	"and the linear regressors LinearRegression, Ridge, Lasso, ElasticNet, SGDRegressor, BayesianRidge, ARDRegression, " +
	"HuberRegressor, PoissonRegressor, GammaRegressor, TweedieRegressor and LinearSVR; alone, in a search, or in a Pipeline " +
	"after StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, Normalizer, PolynomialFeatures, SimpleImputer, " +
	"KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, TargetEncoder, Binarizer, VarianceThreshold, " +
	"SelectKBest, SelectFpr, SelectFwe, RFE, RFECV, CountVectorizer, TfidfVectorizer, TfidfTransformer, " +
	"HashingVectorizer, FeatureHasher, DictVectorizer, FunctionTransformer (of None, or of numpy's log1p and the like), " +
	"ColumnTransformer and FeatureUnion; and {'model': one of these, 'scaler': a scaler or None}"

// libraries are the packages whose classes teams really put into artifacts. They are as little resolved as any other,
// but who meets one has the wrong model, not an attack.
var libraries = []string{
	"sklearn.", "scipy.", "numpy.", "pandas.", "xgboost.", "lightgbm.", "catboost.", "imblearn.", "category_encoders.",
	"keras.", "tensorflow.", "torch.", "joblib.",
}

// classes implements pickle.Classes.
func classes(module, name string) (pickle.Standing, string) {
	if known, ok := supported[name]; ok && slices.Contains(known.modules, module) {
		if known.inert {
			return pickle.Inert, ""
		}
		return pickle.Welcome, ""
	}
	if strings.HasPrefix(module, "joblib.") && strings.HasSuffix(name, "NDArrayWrapper") {
		return pickle.Known, ": the arrays are in files of their own, as joblib wrote them before 0.10; " +
			"load the model with that joblib, and write it with a newer one"
	}
	measures := strings.HasPrefix(module, "sklearn.metrics.") || strings.HasPrefix(module, "sklearn.feature_selection.")
	if (measures && !isClassName(name)) || isNumpyFunction(module, name) {
		// What a search or a selection was told to measure; and a function that a transformer applies, by its own name for it.
		return pickle.Mentioned, ""
	}
	if strings.HasPrefix(module, "scipy.stats.") {
		return pickle.Known, ", with which a search was told to draw parameters; save its best_estimator_"
	}
	for _, library := range libraries {
		if strings.HasPrefix(module, library) && isClassName(name) {
			return pickle.Known, "; " + supportedText
		}
	}
	return pickle.Foreign, ""
}

// isClassName tells a class from a function by the convention that all of these libraries keep.
func isClassName(name string) bool {
	for _, r := range strings.TrimLeft(name, "_") {
		return unicode.IsUpper(r)
	}
	return false
}
