//go:build sbom

package main

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"
)

// `make sbom` runs this after it has written the list.
func TestTheSBOMNamesEveryPartWithItsHash(t *testing.T) {
	text, err := os.ReadFile("../../build/lenet.cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		Format     string `json:"bomFormat"`
		Components []struct {
			Name, Version string
			Hashes        []struct{ Alg, Content string }
		}
	}
	if err := json.Unmarshal(text, &bom); err != nil || bom.Format != "CycloneDX" {
		t.Fatal(bom.Format, err)
	}
	versions := map[string]string{}
	sha256 := regexp.MustCompile(`^[0-9a-f]{64}$`)
	for _, c := range bom.Components {
		versions[c.Name] = c.Version
		if c.Name == "std" { // Go's library, which has none
			continue
		}
		if len(c.Hashes) == 0 || c.Hashes[0].Alg != "SHA-256" || !sha256.MatchString(c.Hashes[0].Content) {
			t.Errorf("%s %s has the hashes %v", c.Name, c.Version, c.Hashes)
		}
	}
	for name, want := range map[string]string{
		"torch": `^2\.11\.0$`, "github.com/wangkuiyi/gotorch": "9afed2f3ad7b", "github.com/alecthomas/kong": `^v1\.`, "libcgotorch.so": "", "libtorchx.so": "",
		"libtorch_cpu.so": "", "libc10.so": "",
	} {
		if version, ok := versions[name]; !ok || !regexp.MustCompile(want).MatchString(version) {
			t.Errorf("%s: version %q, want %s", name, version, want)
		}
	}
}
