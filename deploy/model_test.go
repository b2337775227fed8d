package deploy

import "gopkg.in/yaml.v3"

// compose is what of the compose specification the file uses, and no more: what is not here is refused.
type compose struct {
	Name     string              `yaml:"name"`
	Services map[string]service  `yaml:"services"`
	Networks map[string]network  `yaml:"networks"`
	Volumes  map[string]struct{} `yaml:"volumes"`
	Configs  map[string]fromFile `yaml:"configs"`
	Secrets  map[string]fromFile `yaml:"secrets"`

	// Templates of services, merged into them.
	Role               yaml.Node `yaml:"x-role"`
	Environment        yaml.Node `yaml:"x-environment"`
	RecordsEnvironment yaml.Node `yaml:"x-records-environment"`
	Records            yaml.Node `yaml:"x-records"`
	ServingEnvironment yaml.Node `yaml:"x-serving-environment"`
	Serving            yaml.Node `yaml:"x-serving"`
	Encoder            yaml.Node `yaml:"x-encoder"`
}

type service struct {
	Image string `yaml:"image"`
	Build struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	Restart     string                `yaml:"restart"`
	Init        bool                  `yaml:"init"`
	User        string                `yaml:"user"`
	Command     []string              `yaml:"command"`
	ReadOnly    bool                  `yaml:"read_only"`
	Tmpfs       []string              `yaml:"tmpfs"`
	ShmSize     string                `yaml:"shm_size"`
	Volumes     []string              `yaml:"volumes"`
	CapDrop     []string              `yaml:"cap_drop"`
	SecurityOpt []string              `yaml:"security_opt"`
	Configs     []mount               `yaml:"configs"`
	Secrets     []mount               `yaml:"secrets"`
	Environment map[string]string     `yaml:"environment"`
	EnvFile     []string              `yaml:"env_file"`
	Ports       []string              `yaml:"ports"`
	Networks    []string              `yaml:"networks"`
	DependsOn   map[string]dependency `yaml:"depends_on"`
	StopGrace   string                `yaml:"stop_grace_period"`
	Healthcheck struct {
		Test        []string `yaml:"test"`
		Interval    string   `yaml:"interval"`
		Timeout     string   `yaml:"timeout"`
		Retries     int      `yaml:"retries"`
		StartPeriod string   `yaml:"start_period"`
	} `yaml:"healthcheck"`
	Deploy struct {
		Replicas  int `yaml:"replicas"`
		Resources struct {
			Limits struct {
				CPUs   string `yaml:"cpus"`
				Memory string `yaml:"memory"`
			} `yaml:"limits"`
		} `yaml:"resources"`
	} `yaml:"deploy"`
}

type dependency struct {
	Condition string `yaml:"condition"`
}

type network struct {
	Internal bool `yaml:"internal"`
	IPAM     struct {
		Config []struct {
			Subnet string `yaml:"subnet"`
		} `yaml:"config"`
	} `yaml:"ipam"`
}

type fromFile struct {
	File string `yaml:"file"`
}

// mount is a secret or config of a service, by its name alone or with a place.
type mount struct {
	Source string `yaml:"source"`
	Target string `yaml:"target"`
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (m *mount) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&m.Source)
	}
	type plain mount
	return n.Decode((*plain)(m))
}
