// Writes what consul-template makes of templates: one JSON string per line in, one object with "out" or "err" per line out.
//
// Recorded with the module of Nomad 2.0.5 (github.com/hashicorp/consul-template v0.42.1, the functions that Nomad denies
// denied): go run consul_template.go < texts > outcomes, and both joined are consul_template.json.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/consul-template/template"
)

var denied = []string{"executeTemplate", "plugin", "writeToFile"}

func rendered(text string) (string, error) {
	made, err := template.NewTemplate(&template.NewTemplateInput{Contents: text, FunctionDenylist: denied})
	if err != nil {
		return "", err
	}
	environment := []string{"NAME=value", "EMPTY="}
	result, err := made.Execute(&template.ExecuteInput{Brain: template.NewBrain(), Env: environment})
	if err != nil {
		return "", err
	}
	return string(result.Output), nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	for lines.Scan() {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			panic(err)
		}
		outcome := map[string]string{}
		out, err := rendered(text)
		if err != nil {
			outcome["err"] = err.Error()
		} else {
			outcome["out"] = out
		}
		line, _ := json.Marshal(outcome)
		fmt.Println(string(line))
	}
}
